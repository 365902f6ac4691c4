-- Views for the usual questions. Each selects from the tables of schema.sql only.

CREATE VIEW headline_table AS
SELECT
    h.label,
    w.label AS wave_label,
    round(100 * e.estimate, 1) AS per_cent,
    round(100 * e.ci_lower, 1) AS ci_lower,
    round(100 * e.ci_upper, 1) AS ci_upper,
    e.base_unweighted AS base,
    CASE WHEN e.base_is = 'approximate' THEN 'about ' ELSE '' END || format('{:,}', e.base_unweighted) AS base_text,
    e.base_is,
    e.variance_basis,
    e.quality,
    e.symbol,
    w.series,
    h.wave,
    h.indicator,
    h.domain,
    h.level,
    h.position,
    h.is_synthetic,
    CASE WHEN h.is_synthetic THEN 'SYNTHETIC' ELSE '' END AS mark,
    h.release_id
FROM headlines AS h
JOIN estimates AS e USING (wave, indicator, domain, level)
JOIN waves AS w ON w.id = h.wave
ORDER BY h.position, w.year DESC;
COMMENT ON VIEW headline_table IS 'The headlines with their estimates (percentages, one decimal), newest wave first.';

CREATE VIEW trend AS
SELECT
    w.series,
    e.indicator,
    w.year,
    e.wave,
    w.label AS wave_label,
    w.break_before,
    e.domain,
    e.level,
    e.estimate,
    e.ci_lower,
    e.ci_upper,
    e.standard_error,
    e.base_unweighted,
    e.variance_basis,
    e.quality,
    e.is_suppressed,
    c.verdict AS change_verdict,
    c.grade AS change_grade,
    c.right_wave AS change_since,
    e.is_synthetic,
    e.release_id
FROM estimates AS e
JOIN waves AS w ON w.id = e.wave
LEFT JOIN comparisons AS c
    ON c.left_wave = e.wave AND c.left_indicator = e.indicator AND c.left_domain = e.domain AND c.left_level = e.level
    AND c.right_indicator = e.indicator AND c.right_domain = e.domain AND c.right_level = e.level
    AND c.family = w.series || '__' || e.indicator
WHERE w.series IS NOT NULL
ORDER BY w.series, e.indicator, e.domain, e.level, w.year;
COMMENT ON VIEW trend IS 'Each indicator through the waves of one series, with breaks and the verdict on the change since the wave before. Never read across series.';

CREATE VIEW lbn_v_england AS
SELECT
    c.comparison,
    c.level,
    c.label,
    c.left_wave,
    c.left_indicator,
    c.left_estimate AS lbn,
    c.right_wave,
    c.right_indicator,
    c.right_estimate AS england,
    c.difference,
    c.ci_lower,
    c.ci_upper,
    c.ratio,
    c.ratio_ci_lower,
    c.ratio_ci_upper,
    c.grade,
    c.differs_on,
    c.verdict,
    c.sentence,
    c.caveats,
    c.is_synthetic,
    c.release_id
FROM comparisons AS c
JOIN surveys AS s ON s.id = c.left_survey
WHERE c.left_domain = 'lbn' OR regexp_matches(s.geography, 'left.behind', 'i')
ORDER BY c.is_synthetic, c.comparison, c.level;
COMMENT ON VIEW lbn_v_england IS '''Left behind'' neighbourhoods against England: the numbers, what differs, the verdict, and the sentence a writer may use.';
