-- Views for the usual questions. Each selects from the tables of schema.sql only.

CREATE VIEW headline_table AS
SELECT
    h.label,
    w.label AS wave_label,
    round(100 * e.estimate, 1) AS per_cent,
    round(100 * e.ci_lower, 1) AS ci_lower,
    round(100 * e.ci_upper, 1) AS ci_upper,
    e.base_unweighted AS base,
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
    comparison,
    level,
    label,
    left_wave,
    left_indicator,
    left_estimate AS lbn,
    right_wave,
    right_indicator,
    right_estimate AS england,
    difference,
    ci_lower,
    ci_upper,
    ratio,
    ratio_ci_lower,
    ratio_ci_upper,
    grade,
    differs_on,
    verdict,
    sentence,
    caveats,
    is_synthetic,
    release_id
FROM comparisons
WHERE comparison LIKE '%lbn%'
ORDER BY is_synthetic, comparison, level;
COMMENT ON VIEW lbn_v_england IS '''Left behind'' neighbourhoods against England: the numbers, what differs, the verdict, and the sentence a writer may use.';
