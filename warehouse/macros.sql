-- The analyst's functions: table macros over the views of views.sql, for what is asked every day.
-- A column is always written with its table, since a bare name that is also a parameter means the parameter.
-- Written in what DuckDB 1.0 knows: one definition a name, no typed parameters, no lambdas. No parameter stands in a
-- subquery, where DuckDB 2.0 does not know it while the macro is made.

CREATE MACRO per_cent(share) AS round((100 * share)::DECIMAL(38, 13), 1)::DOUBLE;
COMMENT ON MACRO per_cent IS 'A share (0 to 1) as a percentage, one decimal, a half away from zero: the digits of every other output.';

CREATE MACRO rate(indicator, "by" := 'all', wave := NULL) AS TABLE
SELECT
    f.level,
    f.per_cent,
    f.lower_per_cent,
    f.upper_per_cent,
    f.base_text,
    f.quality,
    f.symbol,
    f.wave_label,
    f.fieldwork,
    f.caveat,
    f.indicator,
    f.domain,
    f.wave,
    f.series,
    f.variance_basis,
    f.estimate,
    f.ci_lower,
    f.ci_upper,
    f.base,
    f.unit,
    f.is_suppressed,
    f.is_synthetic,
    f.release_id
FROM figures AS f
JOIN newest AS n ON n.indicator = f.indicator AND n.domain = f.domain
LEFT JOIN domains AS d ON d.id = f.domain AND d.level = f.level
WHERE f.indicator = indicator AND f.domain = "by" AND f.wave = coalesce(wave, n.wave)
    AND n.indicator = indicator AND n.domain = "by"
ORDER BY d.position, f.level;
COMMENT ON MACRO TABLE rate IS 'rate(indicator, by := domain, wave := wave): an indicator by a domain, with interval, base and caveat; of the newest wave of its main series (see newest) unless a wave is given.';

CREATE MACRO trend_of(indicator, series, "by" := 'all') AS TABLE
SELECT
    t.level,
    t.year,
    t.wave_label,
    CASE WHEN t.unit = 'proportion' THEN per_cent(t.estimate) END AS per_cent,
    CASE WHEN t.unit = 'proportion' THEN per_cent(t.ci_lower) END AS lower_per_cent,
    CASE WHEN t.unit = 'proportion' THEN per_cent(t.ci_upper) END AS upper_per_cent,
    t.change_verdict,
    t.change_since,
    t.segment,
    t.direction,
    t.break_before,
    t.change_caveats,
    t.quality,
    t.variance_basis,
    t.estimate,
    t.unit,
    t.indicator,
    t.domain,
    t.wave,
    t.series,
    t.is_suppressed,
    t.is_synthetic,
    t.release_id
FROM trend AS t
JOIN newest AS n ON n.indicator = t.indicator AND n.domain = t.domain
LEFT JOIN domains AS d ON d.id = t.domain AND d.level = t.level
WHERE t.indicator = indicator AND t.domain = "by" AND t.series = coalesce(series, n.series)
    AND n.indicator = indicator AND n.domain = "by"
ORDER BY d.position, t.level, t.year;
COMMENT ON MACRO TABLE trend_of IS 'trend_of(indicator, series, by := domain): an indicator through one series, in percentages, with breaks, the verdict on each change, and the direction of each unbroken run; of its main series when series is NULL.';

CREATE MACRO compare_waves(indicator, wave_a, wave_b, "by" := 'all') AS TABLE
WITH held AS (
    SELECT DISTINCT e.level
    FROM estimates AS e
    WHERE e.indicator = indicator AND e.domain = "by" AND e.wave IN (wave_a, wave_b)
), asked AS (
    SELECT h.level FROM held AS h
    UNION ALL
    SELECT NULL WHERE NOT EXISTS (SELECT 1 FROM held)
), made AS (
    SELECT c.*
    FROM comparisons AS c
    WHERE c.left_indicator = indicator AND c.right_indicator = indicator
        AND c.left_domain = "by" AND c.right_domain = "by" AND c.left_level = c.right_level
        AND ((c.left_wave = wave_a AND c.right_wave = wave_b) OR (c.left_wave = wave_b AND c.right_wave = wave_a))
)
SELECT
    a.level,
    coalesce(m.left_wave, wave_a) AS left_wave,
    CASE
        WHEN 'mean' IN (x.unit, y.unit) THEN NULL
        WHEN m.left_wave = wave_b THEN per_cent(y.estimate)
        ELSE per_cent(x.estimate)
    END AS left_per_cent,
    coalesce(m.right_wave, wave_b) AS right_wave,
    CASE
        WHEN 'mean' IN (x.unit, y.unit) THEN NULL
        WHEN m.left_wave = wave_b THEN per_cent(x.estimate)
        ELSE per_cent(y.estimate)
    END AS right_per_cent,
    CASE WHEN m.grade <> 'not_comparable' AND x.unit = 'proportion' THEN per_cent(m.difference) END AS difference_points,
    CASE WHEN m.grade <> 'not_comparable' AND x.unit = 'proportion' THEN per_cent(m.ci_lower) END AS lower_points,
    CASE WHEN m.grade <> 'not_comparable' AND x.unit = 'proportion' THEN per_cent(m.ci_upper) END AS upper_points,
    m.verdict,
    m.grade,
    CASE
        WHEN m.is_suppressed THEN 'Compared, and suppressed because a side is.'
        WHEN m.grade = 'not_comparable' THEN 'Compared: not comparable.'
        WHEN m.comparison IS NOT NULL AND m.verdict IS NULL
            THEN 'Compared without a test: the standard error of a side is not known.'
        WHEN m.comparison IS NOT NULL THEN 'Compared.'
        WHEN x.wave IS NULL AND y.wave IS NULL THEN 'Not compared: neither wave has this estimate.'
        WHEN x.wave IS NULL OR y.wave IS NULL THEN 'Not compared: one of the waves does not have this estimate.'
        WHEN xw.series IS DISTINCT FROM yw.series OR xw.series IS NULL
            THEN 'Not compared: the waves are not of one series, and series are never read together.'
        ELSE 'Not compared in this release. Two intervals side by side are no test; add the comparison to the catalogue.'
    END AS status,
    m.sentence,
    m.caveats,
    m.comparison,
    m.p_adjusted,
    indicator AS indicator,
    "by" AS "domain",
    coalesce(m.is_synthetic, x.is_synthetic OR y.is_synthetic, x.is_synthetic, y.is_synthetic) AS is_synthetic
FROM asked AS a
LEFT JOIN estimates AS x ON x.indicator = indicator AND x.domain = "by" AND x.wave = wave_a AND x.level = a.level
LEFT JOIN estimates AS y ON y.indicator = indicator AND y.domain = "by" AND y.wave = wave_b AND y.level = a.level
LEFT JOIN waves AS xw ON xw.id = x.wave
LEFT JOIN waves AS yw ON yw.id = y.wave
LEFT JOIN made AS m ON m.left_level = a.level
LEFT JOIN domains AS d ON d.id = "by" AND d.level = a.level
ORDER BY d.position, a.level, m.comparison;
COMMENT ON MACRO TABLE compare_waves IS 'compare_waves(indicator, wave, wave, by := domain): two waves side by side, with difference, verdict and sentence where the release made the comparison. Where it did not, status says so, and there is no verdict.';

CREATE MACRO profile(place) AS TABLE
SELECT p.*
FROM area_profile AS p
WHERE lower(p.level) = lower(place) OR upper(p.code) = upper(place)
ORDER BY p.domain, p.indicator;
COMMENT ON MACRO TABLE profile IS 'profile(place): the newest figure of every indicator for one area or group, by its name or code, letter case ignored, beside the whole population of the same wave.';

CREATE MACRO find(word) AS TABLE
SELECT f.kind, f.id, f.label, f.definition, f.held
FROM (
    SELECT
        1 AS place,
        'indicator' AS kind,
        i.id,
        i.label,
        i.definition,
        coalesce(h.waves || CASE WHEN h.waves = 1 THEN ' wave' ELSE ' waves' END || ', by ' || h.domains, 'not in this release') AS held
    FROM indicators AS i
    LEFT JOIN (
        SELECT e.indicator, count(DISTINCT e.wave) AS waves, string_agg(DISTINCT e.domain, ', ' ORDER BY e.domain) AS domains
        FROM estimates AS e
        GROUP BY e.indicator
    ) AS h ON h.indicator = i.id
    UNION ALL
    SELECT 2, 'domain', d.id, d.label, any_value(d.definition), count(*) || ' levels'
    FROM domains AS d
    GROUP BY d.id, d.label
    UNION ALL
    SELECT 3, 'level', d.level, d.label, 'domain ' || d.id, d.code
    FROM domains AS d
    UNION ALL
    SELECT 4, 'wave', w.id, w.label, w.definition, CASE WHEN w.is_released THEN 'released' ELSE 'not in this release' END
    FROM waves AS w
    UNION ALL
    SELECT 5, 'survey', s.id, s.label, s.definition, NULL
    FROM surveys AS s
    UNION ALL
    SELECT 6, 'source', s.id, s.label, s.definition, s.producer
    FROM sources AS s
) AS f
WHERE contains(lower(concat_ws(' ', f.id, f.label, f.definition, CASE WHEN f.kind = 'level' THEN f.held END)), lower(word))
ORDER BY f.place, f.id;
COMMENT ON MACRO TABLE find IS 'find(word): indicators, domains, levels, waves, surveys and sources whose id, label, definition or code holds the word.';
