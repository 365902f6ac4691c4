-- Views for the usual questions. Each selects from the tables of schema.sql, or from a view above it.
-- Written in what DuckDB 1.0 knows; macros.sql builds the analyst's functions on them. What those read is written with
-- the table of every column, since DuckDB would take a bare name for the parameter of a macro that has the same. No
-- condition of an outer join mixes its sides in one expression or tests the left side alone: DuckDB 1.x would compare
-- every row with every other.
-- Numbers are rounded as decimals, half away from zero, which gives the digits of engagement_stats.rounding: 28.45 as a
-- binary number is a little less, and would be rounded down.

CREATE VIEW headline_table AS
SELECT
    h.label,
    w.label AS wave_label,
    CASE WHEN e.unit = 'proportion' THEN round((100 * e.estimate)::DECIMAL(38, 13), 1)::DOUBLE END AS per_cent,
    CASE WHEN e.unit = 'proportion' THEN round((100 * e.ci_lower)::DECIMAL(38, 13), 1)::DOUBLE END AS ci_lower,
    CASE WHEN e.unit = 'proportion' THEN round((100 * e.ci_upper)::DECIMAL(38, 13), 1)::DOUBLE END AS ci_upper,
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
COMMENT ON COLUMN headline_table.per_cent IS 'The estimate as a percentage, one decimal; null for a mean.';
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
    e.unit,
    e.base_unweighted,
    e.variance_basis,
    e.quality,
    e.is_suppressed,
    c.verdict AS change_verdict,
    c.grade AS change_grade,
    c.right_wave AS change_since,
    c.caveats AS change_caveats,
    t.segment,
    t.direction,
    t.slope,
    e.is_synthetic,
    e.release_id
FROM estimates AS e
JOIN waves AS w ON w.id = e.wave
LEFT JOIN (
    SELECT t.series, t.indicator, t.domain, t.level, t.segment, t.direction, t.slope, f.year AS begins, l.year AS ends
    FROM trends AS t
    JOIN waves AS f ON f.id = t.first_wave
    JOIN waves AS l ON l.id = t.last_wave
) AS t
    ON t.series = w.series AND t.indicator = e.indicator AND t.domain = e.domain AND t.level = e.level
    AND w.year BETWEEN t.begins AND t.ends
LEFT JOIN comparisons AS c
    ON c.left_wave = e.wave AND c.left_indicator = e.indicator AND c.left_domain = e.domain AND c.left_level = e.level
    AND c.right_indicator = e.indicator AND c.right_domain = e.domain AND c.right_level = e.level
    AND c.comparison = c.left_indicator || '__' || c.left_wave || '_v_' || c.right_wave
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
COMMENT ON COLUMN trend.unit IS '''proportion'' (0 to 1) or ''mean''.';
COMMENT ON COLUMN trend.base_unweighted IS 'Respondents in the level who answered. Null when suppressed or, for published figures, not known.';
COMMENT ON COLUMN trend.variance_basis IS 'How the uncertainty was obtained: ''design'' (strata and PSUs), ''weights_only'', ''calibrated'', ''replicate'', ''published'' (the producer''s interval, or none), ''assumed'' (base and an assumed design effect).';
COMMENT ON COLUMN trend.quality IS '''ok'', ''caution'' (small or unknown base, wide interval, or evidence not confirmed) or ''suppressed''.';
COMMENT ON COLUMN trend.is_suppressed IS 'True when every number of the row is withheld.';
COMMENT ON COLUMN trend.change_verdict IS 'Verdict on the change since the wave before.';
COMMENT ON COLUMN trend.change_grade IS 'Grade of that comparison.';
COMMENT ON COLUMN trend.change_since IS 'The wave it is compared with.';
COMMENT ON COLUMN trend.change_caveats IS 'What to say beside that comparison, breaks of the series since then among it.';
COMMENT ON COLUMN trend.segment IS 'Which run of waves between breaks of the series, from 1; null for a wave that is in no run of two or more. Never read across.';
COMMENT ON COLUMN trend.direction IS '''rising'', ''falling'', ''no clear trend'', ''uneven'' (a straight line does not fit) or ''too few waves'', of the whole run.';
COMMENT ON COLUMN trend.slope IS 'Change a year through the run, in `unit`; null with fewer than three waves.';
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

CREATE VIEW figures AS
SELECT
    e.indicator,
    i.label AS indicator_label,
    e.domain,
    e.level,
    e.wave,
    w.label AS wave_label,
    w.definition AS fieldwork,
    w.series,
    CASE WHEN e.unit = 'proportion' THEN round((100 * e.estimate)::DECIMAL(38, 13), 1)::DOUBLE END AS per_cent,
    CASE WHEN e.unit = 'proportion' THEN round((100 * e.ci_lower)::DECIMAL(38, 13), 1)::DOUBLE END AS lower_per_cent,
    CASE WHEN e.unit = 'proportion' THEN round((100 * e.ci_upper)::DECIMAL(38, 13), 1)::DOUBLE END AS upper_per_cent,
    e.base_unweighted AS base,
    CASE WHEN e.base_is = 'approximate' THEN 'about ' ELSE '' END || format('{:,}', e.base_unweighted) AS base_text,
    e.quality,
    e.symbol,
    e.variance_basis,
    nullif(concat_ws(
        ' ',
        CASE WHEN e.is_synthetic THEN t.meanings[list_position(t.terms, 'mark synthetic')] END,
        t.meanings[list_position(t.terms, 'symbol ' || e.symbol)],
        CASE WHEN NOT e.is_suppressed THEN t.meanings[list_position(t.terms, 'caution ' || e.variance_basis)] END,
        CASE WHEN NOT e.is_suppressed THEN t.meanings[list_position(t.terms, 'caution ' || w.sampling)] END,
        CASE WHEN NOT e.is_suppressed THEN t.meanings[list_position(t.terms, 'caution ' || e.evidence)] END,
        e.note
    ), '') AS caveat,
    e.estimate,
    e.ci_lower,
    e.ci_upper,
    e.unit,
    e.is_suppressed,
    e.is_synthetic,
    e.release_id
FROM estimates AS e
JOIN indicators AS i ON i.id = e.indicator
JOIN waves AS w ON w.id = e.wave
-- One row of two lists, so that a figure needs no outer join, which DuckDB would make of every figure before any filter.
CROSS JOIN (
    SELECT
        list(s.kind || ' ' || s.id ORDER BY s.kind, s.id) AS terms,
        list(s.meaning ORDER BY s.kind, s.id) AS meanings
    FROM terms AS s
) AS t;
COMMENT ON VIEW figures IS 'Every estimate ready to read: names, percentages to one decimal, base, and what to say beside it.';
COMMENT ON COLUMN figures.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN figures.indicator_label IS 'Short name of the indicator.';
COMMENT ON COLUMN figures.domain IS 'How the population is divided; ''all'' is the whole population of the wave, ''a*b'' crosses two.';
COMMENT ON COLUMN figures.level IS 'The part of the population.';
COMMENT ON COLUMN figures.wave IS 'Wave of the survey; see waves.';
COMMENT ON COLUMN figures.wave_label IS 'Name of the wave.';
COMMENT ON COLUMN figures.fieldwork IS 'Fieldwork period, in words.';
COMMENT ON COLUMN figures.series IS 'Waves made alike, through which a trend may be drawn; null when in none.';
COMMENT ON COLUMN figures.per_cent IS 'The estimate as a percentage, one decimal; null for a mean.';
COMMENT ON COLUMN figures.lower_per_cent IS 'Lower end of the confidence interval, as a percentage, one decimal.';
COMMENT ON COLUMN figures.upper_per_cent IS 'Upper end of the confidence interval, as a percentage, one decimal.';
COMMENT ON COLUMN figures.base IS 'Respondents in the level who answered. Null when suppressed or not known.';
COMMENT ON COLUMN figures.base_text IS 'The base as shown to people; "about" marks an approximate one.';
COMMENT ON COLUMN figures.quality IS '''ok'', ''caution'' (small or unknown base, wide interval, or evidence not confirmed) or ''suppressed''.';
COMMENT ON COLUMN figures.symbol IS 'GSS shorthand: ''[c]'' confidential, ''[u]'' low reliability; of a published figure also ''[x]'' not available, ''[z]'' not applicable, ''[low]'' published only as below a number, which is in note.';
COMMENT ON COLUMN figures.variance_basis IS 'How the uncertainty was obtained: ''design'' (strata and PSUs), ''weights_only'', ''calibrated'', ''replicate'', ''published'' (the producer''s interval, or none), ''assumed'' (base and an assumed design effect).';
COMMENT ON COLUMN figures.caveat IS 'What to say beside the figure: synthetic, suppressed, how its interval was made, what is not confirmed.';
COMMENT ON COLUMN figures.estimate IS 'The estimate, in `unit`. Null when suppressed or when nobody in the level answered.';
COMMENT ON COLUMN figures.ci_lower IS 'Lower end of the confidence interval, in `unit`.';
COMMENT ON COLUMN figures.ci_upper IS 'Upper end of the confidence interval, in `unit`.';
COMMENT ON COLUMN figures.unit IS '''proportion'' (0 to 1) or ''mean''.';
COMMENT ON COLUMN figures.is_suppressed IS 'True when every number of the row is withheld.';
COMMENT ON COLUMN figures.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';
COMMENT ON COLUMN figures.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';

CREATE VIEW newest AS
SELECT
    ranked.indicator,
    ranked.domain,
    ranked.wave,
    ranked.series,
    ranked.series_label,
    ranked.is_synthetic,
    ranked.release_id
FROM (
    SELECT
        held.*,
        row_number() OVER (
            PARTITION BY held.indicator, held.domain
            ORDER BY held.is_synthetic, held.position NULLS LAST, held.waves DESC, held.series, held.year DESC,
                held.fieldwork_end DESC NULLS LAST, held.wave DESC
        ) AS nth
    FROM (
        SELECT
            here.indicator,
            here.domain,
            here.wave,
            w.series,
            w.series_label,
            w.year,
            w.fieldwork_end,
            here.is_synthetic,
            here.release_id,
            shown.position,
            count(*) OVER (
                PARTITION BY here.indicator, here.domain, here.is_synthetic, coalesce(w.series, w.id)
            ) AS waves
        FROM (
            SELECT e.indicator, e.domain, e.wave, bool_or(e.is_synthetic) AS is_synthetic, any_value(e.release_id)
                AS release_id
            FROM estimates AS e
            GROUP BY e.indicator, e.domain, e.wave
        ) AS here
        JOIN waves AS w ON w.id = here.wave
        LEFT JOIN (
            SELECT h.indicator, coalesce(s.series, s.id) AS run, min(h.position) AS position
            FROM headlines AS h
            JOIN waves AS s ON s.id = h.wave
            GROUP BY h.indicator, coalesce(s.series, s.id)
        ) AS shown ON shown.indicator = here.indicator AND shown.run = coalesce(w.series, w.id)
    ) AS held
) AS ranked
WHERE ranked.nth = 1;
COMMENT ON VIEW newest IS 'The newest wave of the main series of each indicator and domain: of real respondents before invented ones, then the series shown first among the headlines, then the one with most waves.';
COMMENT ON COLUMN newest.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN newest.domain IS 'How the population is divided; ''all'' is the whole population of the wave, ''a*b'' crosses two.';
COMMENT ON COLUMN newest.wave IS 'The wave: the newest of that series with the indicator and domain.';
COMMENT ON COLUMN newest.series IS 'The main series; null where the wave is in none.';
COMMENT ON COLUMN newest.series_label IS 'Name of the series.';
COMMENT ON COLUMN newest.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';
COMMENT ON COLUMN newest.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';

CREATE VIEW area_profile AS
SELECT
    d.id AS "domain",
    d.level,
    d.code,
    f.indicator,
    f.indicator_label,
    f.per_cent,
    f.lower_per_cent,
    f.upper_per_cent,
    f.base_text,
    f.quality,
    f.symbol,
    CASE WHEN w.unit = 'proportion' AND d.id <> 'all' THEN round((100 * w.estimate)::DECIMAL(38, 13), 1)::DOUBLE END
        AS whole_per_cent,
    c.verdict,
    CASE
        WHEN c.is_suppressed OR f.is_suppressed THEN 'Not compared: a figure is withheld.'
        WHEN c.grade = 'not_comparable' THEN 'Compared: not comparable.'
        WHEN c.comparison IS NOT NULL AND c.verdict IS NULL
            THEN 'Compared without a test: the standard error of a side is not known.'
        WHEN c.comparison IS NOT NULL THEN 'Compared.'
        WHEN d.id = 'all' THEN 'This is the whole.'
        WHEN f.variance_basis IN ('published', 'assumed')
            THEN 'No test is possible: the figure was published without what a test against the whole needs. Do not call it higher or lower.'
        ELSE 'Not compared in this release. Two percentages side by side are no test; add the comparison to the catalogue.'
    END AS status,
    c.kind AS compared_with,
    f.wave,
    f.wave_label,
    f.caveat,
    f.is_suppressed,
    f.is_synthetic,
    f.release_id
FROM (
    SELECT l.id, l.level, l.code, l.position FROM domains AS l
    UNION ALL
    SELECT 'all', 'all', NULL, 0
) AS d
JOIN figures AS f ON f.domain = d.id AND f.level = d.level
JOIN newest AS n ON n.indicator = f.indicator AND n.domain = f.domain AND n.wave = f.wave
LEFT JOIN estimates AS w
    ON w.indicator = f.indicator AND w.wave = f.wave AND w.domain = 'all' AND w.level = 'all'
LEFT JOIN comparisons AS c
    ON c.left_wave = f.wave AND c.left_indicator = f.indicator AND c.left_domain = f.domain AND c.left_level = f.level
    AND c.right_wave = c.left_wave AND c.right_indicator = c.left_indicator
    AND c.kind IN ('levels:total', 'levels:rest')
ORDER BY d.id, d.position, d.level, f.indicator, c.comparison;
COMMENT ON VIEW area_profile IS 'The newest figure of each indicator for every area and group, beside the whole population of the same wave: a row for each verdict, where there are several.';
COMMENT ON COLUMN area_profile.domain IS 'How the population is divided; ''all'' is the whole population of the wave, ''a*b'' crosses two.';
COMMENT ON COLUMN area_profile.level IS 'The part of the population.';
COMMENT ON COLUMN area_profile.code IS 'Code of the area, where the level is one and a lookup of the release gives it.';
COMMENT ON COLUMN area_profile.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN area_profile.indicator_label IS 'Short name of the indicator.';
COMMENT ON COLUMN area_profile.per_cent IS 'The estimate as a percentage, one decimal; null for a mean.';
COMMENT ON COLUMN area_profile.lower_per_cent IS 'Lower end of the confidence interval, as a percentage, one decimal.';
COMMENT ON COLUMN area_profile.upper_per_cent IS 'Upper end of the confidence interval, as a percentage, one decimal.';
COMMENT ON COLUMN area_profile.base_text IS 'The base as shown to people; "about" marks an approximate one.';
COMMENT ON COLUMN area_profile.quality IS '''ok'', ''caution'' (small or unknown base, wide interval, or evidence not confirmed) or ''suppressed''.';
COMMENT ON COLUMN area_profile.symbol IS 'GSS shorthand: ''[c]'' confidential, ''[u]'' low reliability; of a published figure also ''[x]'' not available, ''[z]'' not applicable, ''[low]'' published only as below a number, which is in note.';
COMMENT ON COLUMN area_profile.whole_per_cent IS 'The same indicator and wave among the whole population of the wave, as a percentage.';
COMMENT ON COLUMN area_profile.verdict IS 'Verdict of the comparison with the whole or the rest, where the release made it; null where it did not. Two percentages side by side are no test.';
COMMENT ON COLUMN area_profile.status IS 'Whether the release compared the figure with the whole or the rest, and why there is no verdict where there is none.';
COMMENT ON COLUMN area_profile.compared_with IS 'What the verdict is against: ''levels:total'' (the whole, the level included) or ''levels:rest'' (everybody else).';
COMMENT ON COLUMN area_profile.wave IS 'Wave of the figure; those of one area may be of several surveys.';
COMMENT ON COLUMN area_profile.wave_label IS 'Name of the wave.';
COMMENT ON COLUMN area_profile.caveat IS 'What to say beside the figure: synthetic, suppressed, how its interval was made, what is not confirmed.';
COMMENT ON COLUMN area_profile.is_suppressed IS 'True when every number of the row is withheld.';
COMMENT ON COLUMN area_profile.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';
COMMENT ON COLUMN area_profile.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';

CREATE VIEW indicator_coverage AS
SELECT
    e.indicator,
    i.label AS indicator_label,
    e.domain,
    e.wave,
    w.label AS wave_label,
    w.year,
    w.series,
    count(*) AS levels,
    count(*) FILTER (e.is_suppressed) AS suppressed,
    count(*) FILTER (e.quality = 'caution') AS caution,
    min(e.base_unweighted) AS least_base,
    max(e.base_unweighted) AS greatest_base,
    bool_or(e.is_synthetic) AS is_synthetic,
    any_value(e.release_id) AS release_id
FROM estimates AS e
JOIN indicators AS i ON i.id = e.indicator
JOIN waves AS w ON w.id = e.wave
GROUP BY e.indicator, i.label, e.domain, e.wave, w.label, w.year, w.series
ORDER BY e.indicator, e.domain, w.series, w.year, e.wave;
COMMENT ON VIEW indicator_coverage IS 'Which indicators are held for which waves and domains, with their bases.';
COMMENT ON COLUMN indicator_coverage.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN indicator_coverage.indicator_label IS 'Short name of the indicator.';
COMMENT ON COLUMN indicator_coverage.domain IS 'How the population is divided; ''all'' is the whole population of the wave, ''a*b'' crosses two.';
COMMENT ON COLUMN indicator_coverage.wave IS 'Wave of the survey; see waves.';
COMMENT ON COLUMN indicator_coverage.wave_label IS 'Name of the wave.';
COMMENT ON COLUMN indicator_coverage.year IS 'Year in which fieldwork began.';
COMMENT ON COLUMN indicator_coverage.series IS 'Waves made alike, through which a trend may be drawn; null when in none.';
COMMENT ON COLUMN indicator_coverage.levels IS 'Levels of the domain with an estimate, suppressed ones included.';
COMMENT ON COLUMN indicator_coverage.suppressed IS 'Withheld: their numbers are null.';
COMMENT ON COLUMN indicator_coverage.caution IS 'Shown, to be treated with caution.';
COMMENT ON COLUMN indicator_coverage.least_base IS 'Smallest base shown.';
COMMENT ON COLUMN indicator_coverage.greatest_base IS 'Greatest base shown.';
COMMENT ON COLUMN indicator_coverage.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';
COMMENT ON COLUMN indicator_coverage.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';

CREATE VIEW wave_coverage AS
SELECT
    w.id AS wave,
    w.label AS wave_label,
    s.label AS survey_label,
    w.series,
    w.year,
    w.definition AS fieldwork,
    w.fieldwork_start,
    w.fieldwork_end,
    w.mode,
    w.sampling,
    w.kind,
    w.is_released,
    coalesce(h.indicators, 0) AS indicators,
    h.domains,
    coalesce(h.estimates, 0) AS estimates,
    coalesce(h.suppressed, 0) AS suppressed,
    h.base,
    w.break_before,
    w.unverified,
    w.note,
    x.label AS source_label,
    x.licence,
    w.is_synthetic,
    w.release_id
FROM waves AS w
JOIN surveys AS s ON s.id = w.survey
JOIN sources AS x ON x.id = w.source
LEFT JOIN (
    SELECT
        e.wave,
        count(DISTINCT e.indicator) AS indicators,
        string_agg(DISTINCT e.domain, ', ' ORDER BY e.domain) AS domains,
        count(*) AS estimates,
        count(*) FILTER (e.is_suppressed) AS suppressed,
        max(e.base_unweighted) AS base
    FROM estimates AS e
    GROUP BY e.wave
) AS h ON h.wave = w.id
ORDER BY w.survey, w.series, w.year, w.id;
COMMENT ON VIEW wave_coverage IS 'What there is of every catalogued wave: when and how it was held, what is released of it, and what nobody has verified.';
COMMENT ON COLUMN wave_coverage.wave IS 'Wave, of the catalogue; in the release or not.';
COMMENT ON COLUMN wave_coverage.wave_label IS 'Name of the wave.';
COMMENT ON COLUMN wave_coverage.survey_label IS 'Name of the survey.';
COMMENT ON COLUMN wave_coverage.series IS 'Waves made alike, through which a trend may be drawn; null when in none.';
COMMENT ON COLUMN wave_coverage.year IS 'Year in which fieldwork began.';
COMMENT ON COLUMN wave_coverage.fieldwork IS 'Fieldwork period, in words.';
COMMENT ON COLUMN wave_coverage.fieldwork_start IS 'First day of fieldwork, where known.';
COMMENT ON COLUMN wave_coverage.fieldwork_end IS 'Last day of fieldwork, where known.';
COMMENT ON COLUMN wave_coverage.mode IS 'How answers were collected.';
COMMENT ON COLUMN wave_coverage.sampling IS 'How respondents were chosen.';
COMMENT ON COLUMN wave_coverage.kind IS '''microdata'' (a file of respondents) or ''tables'' (published figures).';
COMMENT ON COLUMN wave_coverage.is_released IS 'True when this release holds estimates of the wave.';
COMMENT ON COLUMN wave_coverage.indicators IS 'Indicators released of the wave.';
COMMENT ON COLUMN wave_coverage.domains IS 'Domains released of the wave.';
COMMENT ON COLUMN wave_coverage.estimates IS 'Estimates released of the wave, suppressed ones included.';
COMMENT ON COLUMN wave_coverage.suppressed IS 'Withheld: their numbers are null.';
COMMENT ON COLUMN wave_coverage.base IS 'Greatest base of any estimate of the wave: about the respondents who answered a question put to all.';
COMMENT ON COLUMN wave_coverage.break_before IS 'Why this wave does not simply continue the one before it in its series; null when it does.';
COMMENT ON COLUMN wave_coverage.unverified IS 'Facts about the wave that have not been verified.';
COMMENT ON COLUMN wave_coverage.note IS 'What a reader should know.';
COMMENT ON COLUMN wave_coverage.source_label IS 'Title of the source.';
COMMENT ON COLUMN wave_coverage.licence IS 'Terms of use of the source.';
COMMENT ON COLUMN wave_coverage.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';
COMMENT ON COLUMN wave_coverage.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';

CREATE VIEW benchmark_table AS
SELECT
    i.label AS indicator_label,
    w.label AS wave_label,
    b.domain,
    b.level,
    round((100 * b.published)::DECIMAL(38, 13), 1)::DOUBLE AS published_per_cent,
    round((100 * b.ours)::DECIMAL(38, 13), 1)::DOUBLE AS our_per_cent,
    round((100 * b.difference)::DECIMAL(38, 13), 2)::DOUBLE AS difference_points,
    b.verdict,
    b.note,
    b.source,
    b.wave,
    b.indicator,
    b.is_synthetic,
    b.release_id
FROM benchmarks AS b
JOIN indicators AS i ON i.id = b.indicator
JOIN waves AS w ON w.id = b.wave
ORDER BY b.verdict = 'reproduced', b.wave, b.indicator, b.domain, b.level;
COMMENT ON VIEW benchmark_table IS 'Official figures beside our own estimates of them, those not reproduced first.';
COMMENT ON COLUMN benchmark_table.indicator_label IS 'Short name of the indicator.';
COMMENT ON COLUMN benchmark_table.wave_label IS 'Name of the wave.';
COMMENT ON COLUMN benchmark_table.domain IS 'How the population is divided; ''all'' is the whole population of the wave, ''a*b'' crosses two.';
COMMENT ON COLUMN benchmark_table.level IS 'The part of the population.';
COMMENT ON COLUMN benchmark_table.published_per_cent IS 'The official figure as a percentage, one decimal.';
COMMENT ON COLUMN benchmark_table.our_per_cent IS 'Our estimate as a percentage, one decimal; null when suppressed.';
COMMENT ON COLUMN benchmark_table.difference_points IS 'Ours minus published, in percentage points, two decimals.';
COMMENT ON COLUMN benchmark_table.verdict IS '''reproduced'' (equal to rounding), ''not reproduced'', ''waived'' (a known reason, in note), ''suppressed'' or ''synthetic'' (invented respondents cannot reproduce anything).';
COMMENT ON COLUMN benchmark_table.note IS 'Why a miss is accepted, where it is.';
COMMENT ON COLUMN benchmark_table.source IS 'Where the figure was published.';
COMMENT ON COLUMN benchmark_table.wave IS 'Wave of the survey; see waves.';
COMMENT ON COLUMN benchmark_table.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN benchmark_table.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';
COMMENT ON COLUMN benchmark_table.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';

CREATE VIEW disclosure_summary AS
SELECT
    e.wave,
    w.label AS wave_label,
    e.domain,
    count(*) AS estimates,
    count(*) FILTER (e.quality = 'ok') AS ok,
    count(*) FILTER (e.quality = 'caution') AS caution,
    count(*) FILTER (e.is_suppressed) AS suppressed,
    count(*) FILTER (e.symbol = '[c]') AS confidential,
    count(*) FILTER (e.symbol = '[u]') AS low_reliability,
    bool_or(e.is_synthetic) AS is_synthetic,
    any_value(e.release_id) AS release_id
FROM estimates AS e
JOIN waves AS w ON w.id = e.wave
GROUP BY e.wave, w.label, e.domain
ORDER BY e.wave, e.domain;
COMMENT ON VIEW disclosure_summary IS 'How much of each wave and domain is shown, doubtful or withheld.';
COMMENT ON COLUMN disclosure_summary.wave IS 'Wave of the survey; see waves.';
COMMENT ON COLUMN disclosure_summary.wave_label IS 'Name of the wave.';
COMMENT ON COLUMN disclosure_summary.domain IS 'How the population is divided; ''all'' is the whole population of the wave, ''a*b'' crosses two.';
COMMENT ON COLUMN disclosure_summary.estimates IS 'Estimates of the wave by this domain, shown or not.';
COMMENT ON COLUMN disclosure_summary.ok IS 'Shown without a mark.';
COMMENT ON COLUMN disclosure_summary.caution IS 'Shown, to be treated with caution.';
COMMENT ON COLUMN disclosure_summary.suppressed IS 'Withheld: their numbers are null.';
COMMENT ON COLUMN disclosure_summary.confidential IS 'Withheld with the symbol [c].';
COMMENT ON COLUMN disclosure_summary.low_reliability IS 'Marked [u], low reliability.';
COMMENT ON COLUMN disclosure_summary.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';
COMMENT ON COLUMN disclosure_summary.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
