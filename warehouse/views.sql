-- Views for the usual questions. Each selects from the tables of schema.sql only.
-- Numbers are rounded as decimals, half away from zero, which gives the digits of engagement_stats.rounding: 28.45 as a
-- binary number is a little less, and would be rounded down.

CREATE VIEW headline_table AS
SELECT
    h.label,
    w.label AS wave_label,
    round((100 * e.estimate)::DECIMAL(38, 13), 1)::DOUBLE AS per_cent,
    round((100 * e.ci_lower)::DECIMAL(38, 13), 1)::DOUBLE AS ci_lower,
    round((100 * e.ci_upper)::DECIMAL(38, 13), 1)::DOUBLE AS ci_upper,
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
    CASE
        WHEN h.is_synthetic THEN 'SYNTHETIC'
        WHEN e.evidence <> 'confirmed' THEN replace(e.evidence, '_', ' ')
        ELSE ''
    END AS mark,
    h.release_id
FROM headlines AS h
JOIN estimates AS e USING (wave, indicator, domain, level)
JOIN waves AS w ON w.id = h.wave
ORDER BY h.position, w.year DESC;
COMMENT ON VIEW headline_table IS 'The headlines with their estimates (percentages, one decimal), in the order the catalogue gives them.';
COMMENT ON COLUMN headline_table.label IS 'What it is, in words.';
COMMENT ON COLUMN headline_table.wave_label IS 'Name of the wave.';
COMMENT ON COLUMN headline_table.per_cent IS 'The estimate as a percentage, one decimal.';
COMMENT ON COLUMN headline_table.ci_lower IS 'Lower end of the confidence interval, as a percentage, one decimal.';
COMMENT ON COLUMN headline_table.ci_upper IS 'Upper end of the confidence interval, as a percentage, one decimal.';
COMMENT ON COLUMN headline_table.base IS 'Respondents who answered.';
COMMENT ON COLUMN headline_table.base_text IS 'The base as shown to people; "about" marks an approximate one.';
COMMENT ON COLUMN headline_table.base_is IS 'Of a published figure: whether its base is ''exact'', ''approximate'' or ''unknown''.';
COMMENT ON COLUMN headline_table.variance_basis IS 'How the uncertainty was obtained: ''design'' (strata and PSUs), ''weights_only'', ''calibrated'', ''replicate'', ''published'' (the producer''s interval, or none), ''assumed'' (base and an assumed design effect).';
COMMENT ON COLUMN headline_table.quality IS '''ok'', ''caution'' (small or unknown base, wide interval, or evidence not confirmed) or ''suppressed''.';
COMMENT ON COLUMN headline_table.symbol IS 'GSS shorthand: ''[c]'' confidential, ''[u]'' low reliability.';
COMMENT ON COLUMN headline_table.series IS 'Waves made alike, through which a trend may be drawn; null when in none.';
COMMENT ON COLUMN headline_table.wave IS 'Wave of the survey; see waves.';
COMMENT ON COLUMN headline_table.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN headline_table.domain IS 'How the population is divided; ''all'' is the whole population of the wave, ''a*b'' crosses two.';
COMMENT ON COLUMN headline_table.level IS 'The part of the population.';
COMMENT ON COLUMN headline_table.position IS 'Order in which headlines are shown.';
COMMENT ON COLUMN headline_table.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';
COMMENT ON COLUMN headline_table.mark IS '''SYNTHETIC'' where the row rests on invented respondents; otherwise the evidence of a published figure where it is not confirmed.';
COMMENT ON COLUMN headline_table.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';

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
    c.caveats AS change_caveats,
    e.is_synthetic,
    e.release_id
FROM estimates AS e
JOIN waves AS w ON w.id = e.wave
LEFT JOIN comparisons AS c
    ON c.left_wave = e.wave AND c.left_indicator = e.indicator AND c.left_domain = e.domain AND c.left_level = e.level
    AND c.right_indicator = e.indicator AND c.right_domain = e.domain AND c.right_level = e.level
    AND c.comparison = e.indicator || '__' || e.wave || '_v_' || c.right_wave
WHERE w.series IS NOT NULL
ORDER BY w.series, e.indicator, e.domain, e.level, w.year;
COMMENT ON VIEW trend IS 'Each indicator through the waves of one series, with breaks and the verdict on the change since the wave before. Never read across series.';
COMMENT ON COLUMN trend.series IS 'Waves made alike, through which a trend may be drawn; null when in none.';
COMMENT ON COLUMN trend.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN trend.year IS 'Year in which fieldwork began.';
COMMENT ON COLUMN trend.wave IS 'Wave of the survey; see waves.';
COMMENT ON COLUMN trend.wave_label IS 'Name of the wave.';
COMMENT ON COLUMN trend.break_before IS 'Why this wave does not simply continue the one before it in its series; null when it does.';
COMMENT ON COLUMN trend.domain IS 'How the population is divided; ''all'' is the whole population of the wave, ''a*b'' crosses two.';
COMMENT ON COLUMN trend.level IS 'The part of the population.';
COMMENT ON COLUMN trend.estimate IS 'The estimate, in `unit`. Null when suppressed or when nobody in the level answered.';
COMMENT ON COLUMN trend.ci_lower IS 'Lower end of the confidence interval.';
COMMENT ON COLUMN trend.ci_upper IS 'Upper end of the confidence interval.';
COMMENT ON COLUMN trend.standard_error IS 'Standard error, in `unit`. Null when it is not known or cannot be estimated.';
COMMENT ON COLUMN trend.base_unweighted IS 'Respondents in the level who answered. Null when suppressed or, for published figures, not known.';
COMMENT ON COLUMN trend.variance_basis IS 'How the uncertainty was obtained: ''design'' (strata and PSUs), ''weights_only'', ''calibrated'', ''replicate'', ''published'' (the producer''s interval, or none), ''assumed'' (base and an assumed design effect).';
COMMENT ON COLUMN trend.quality IS '''ok'', ''caution'' (small or unknown base, wide interval, or evidence not confirmed) or ''suppressed''.';
COMMENT ON COLUMN trend.is_suppressed IS 'True when every number of the row is withheld.';
COMMENT ON COLUMN trend.change_verdict IS 'Verdict on the change since the wave before.';
COMMENT ON COLUMN trend.change_grade IS 'Grade of that comparison.';
COMMENT ON COLUMN trend.change_since IS 'The wave it is compared with.';
COMMENT ON COLUMN trend.change_caveats IS 'What to say beside that comparison, breaks of the series since then among it.';
COMMENT ON COLUMN trend.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';
COMMENT ON COLUMN trend.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';

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
JOIN surveys AS l ON l.id = c.left_survey
JOIN surveys AS r ON r.id = c.right_survey
WHERE (c.left_level = 'Left-behind neighbourhood' OR regexp_matches(l.geography, 'left.behind', 'i'))
    AND r.geography = 'England' AND c.right_domain = 'all'
ORDER BY c.is_synthetic, c.comparison, c.level;
COMMENT ON VIEW lbn_v_england IS '''Left behind'' neighbourhoods against England: the numbers, what differs, the verdict, and the sentence a writer may use.';
COMMENT ON COLUMN lbn_v_england.comparison IS 'The comparison, as the catalogue names it.';
COMMENT ON COLUMN lbn_v_england.level IS 'The part of the population.';
COMMENT ON COLUMN lbn_v_england.label IS 'What it is, in words.';
COMMENT ON COLUMN lbn_v_england.left_wave IS 'Wave of the left side.';
COMMENT ON COLUMN lbn_v_england.left_indicator IS 'Indicator of the left side.';
COMMENT ON COLUMN lbn_v_england.lbn IS 'Estimate for ''left behind'' neighbourhoods, 0 to 1.';
COMMENT ON COLUMN lbn_v_england.right_wave IS 'Wave of the right side.';
COMMENT ON COLUMN lbn_v_england.right_indicator IS 'Indicator of the right side.';
COMMENT ON COLUMN lbn_v_england.england IS 'Estimate for England, 0 to 1.';
COMMENT ON COLUMN lbn_v_england.difference IS 'Left minus right, from unrounded values.';
COMMENT ON COLUMN lbn_v_england.ci_lower IS 'Lower end of the confidence interval.';
COMMENT ON COLUMN lbn_v_england.ci_upper IS 'Upper end of the confidence interval.';
COMMENT ON COLUMN lbn_v_england.ratio IS 'Left divided by right.';
COMMENT ON COLUMN lbn_v_england.ratio_ci_lower IS 'Lower end of the 95 per cent interval of the ratio.';
COMMENT ON COLUMN lbn_v_england.ratio_ci_upper IS 'Upper end of that interval.';
COMMENT ON COLUMN lbn_v_england.grade IS '''comparable'', ''indicative'' or ''not_comparable''.';
COMMENT ON COLUMN lbn_v_england.differs_on IS 'Axes on which the sides differ, or are not known to agree, beyond what is compared; empty when none.';
COMMENT ON COLUMN lbn_v_england.verdict IS '''higher'', ''lower'', ''no clear difference'' or ''not comparable'' (of the left against the right). Null when suppressed or when no standard error is known.';
COMMENT ON COLUMN lbn_v_england.sentence IS 'A sentence a writer may use.';
COMMENT ON COLUMN lbn_v_england.caveats IS 'One sentence for each axis, in plain English.';
COMMENT ON COLUMN lbn_v_england.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';
COMMENT ON COLUMN lbn_v_england.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
