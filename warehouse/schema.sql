-- The released warehouse: the one statement of its tables, columns, units, keys and ranges.
-- Library frames are checked against it when a release is built (engagement_stats.publish).
-- Views for the usual questions are in views.sql.

CREATE TABLE estimates (
    release_id VARCHAR NOT NULL,
    survey VARCHAR NOT NULL,
    wave VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    domain VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    estimate DOUBLE,
    standard_error DOUBLE,
    ci_lower DOUBLE,
    ci_upper DOUBLE,
    confidence DOUBLE,
    interval_method VARCHAR,
    base_unweighted BIGINT,
    base_weighted DOUBLE,
    effective_base DOUBLE,
    degrees_of_freedom DOUBLE,
    design_effect DOUBLE,
    variance_basis VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    quality VARCHAR NOT NULL,
    symbol VARCHAR,
    is_suppressed BOOLEAN NOT NULL,
    weight VARCHAR,
    source VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    statistic VARCHAR NOT NULL,
    base_missing BIGINT,
    base_is VARCHAR,
    rounding DOUBLE,
    published_on DATE,
    evidence VARCHAR,
    note VARCHAR,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (wave, indicator, domain, level),
    CHECK (ci_lower <= estimate AND estimate <= ci_upper),
    CHECK (unit <> 'proportion' OR (estimate BETWEEN 0 AND 1 AND ci_lower >= 0 AND ci_upper <= 1)),
    CHECK (standard_error >= 0),
    CHECK (variance_basis IN ('design', 'weights_only', 'calibrated', 'replicate', 'published', 'assumed')),
    CHECK (quality IN ('ok', 'caution', 'suppressed')),
    CHECK (is_suppressed = (quality = 'suppressed')),
    CHECK (NOT is_suppressed OR (estimate IS NULL AND standard_error IS NULL AND ci_lower IS NULL AND ci_upper IS NULL AND base_unweighted IS NULL AND base_weighted IS NULL AND effective_base IS NULL AND degrees_of_freedom IS NULL AND design_effect IS NULL AND base_missing IS NULL))
);
COMMENT ON TABLE estimates IS 'One row per wave, indicator, domain and level: every number published. Proportions are 0 to 1.';
COMMENT ON COLUMN estimates.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN estimates.survey IS 'Survey; see surveys.';
COMMENT ON COLUMN estimates.wave IS 'Wave of the survey; see waves.';
COMMENT ON COLUMN estimates.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN estimates.domain IS 'How the population is divided; ''all'' is the whole population of the wave, ''a*b'' crosses two.';
COMMENT ON COLUMN estimates.level IS 'The part of the population; ''all'' for the whole, ''x | y'' in a crossed domain.';
COMMENT ON COLUMN estimates.estimate IS 'The estimate, in `unit`. Null when suppressed or when nobody in the level answered.';
COMMENT ON COLUMN estimates.standard_error IS 'Standard error, in `unit`. Null when it is not known or cannot be estimated.';
COMMENT ON COLUMN estimates.ci_lower IS 'Lower end of the confidence interval, in `unit`.';
COMMENT ON COLUMN estimates.ci_upper IS 'Upper end of the confidence interval, in `unit`.';
COMMENT ON COLUMN estimates.confidence IS 'Confidence of the interval, for example 0.95. Null when there is no interval.';
COMMENT ON COLUMN estimates.interval_method IS 'How the interval was made: ''korn_graubard'', ''logit'', ''wilson'', ''wald'', ''published'', ''none''.';
COMMENT ON COLUMN estimates.base_unweighted IS 'Respondents in the level who answered. Null when suppressed or, for published figures, not known.';
COMMENT ON COLUMN estimates.base_weighted IS 'Sum of their weights.';
COMMENT ON COLUMN estimates.effective_base IS 'Size of the simple random sample that would be as precise: base over design effect; of a published figure p(1-p) over the squared standard error.';
COMMENT ON COLUMN estimates.degrees_of_freedom IS 'Degrees of freedom of the standard error.';
COMMENT ON COLUMN estimates.design_effect IS 'Variance relative to a simple random sample of the same base. Assumed where variance_basis is assumed.';
COMMENT ON COLUMN estimates.variance_basis IS 'How the uncertainty was obtained: ''design'' (strata and PSUs), ''weights_only'', ''calibrated'', ''replicate'', ''published'' (the producer''s interval, or none), ''assumed'' (base and an assumed design effect).';
COMMENT ON COLUMN estimates.unit IS '''proportion'' (0 to 1) or ''mean''.';
COMMENT ON COLUMN estimates.quality IS '''ok'', ''caution'' (small or unknown base, wide interval, or evidence not confirmed) or ''suppressed''.';
COMMENT ON COLUMN estimates.symbol IS 'GSS shorthand: ''[c]'' confidential, ''[u]'' low reliability; of a published figure also ''[x]'' not available, ''[z]'' not applicable, ''[low]'' published only as below a number, which is in note.';
COMMENT ON COLUMN estimates.is_suppressed IS 'True when every number of the row is withheld.';
COMMENT ON COLUMN estimates.weight IS 'Weight column of the file; null for published figures.';
COMMENT ON COLUMN estimates.source IS 'Source of the file, or where the figure was published.';
COMMENT ON COLUMN estimates.run_id IS 'Digest of the file, catalogue entries and code that made the row.';
COMMENT ON COLUMN estimates.statistic IS '''proportion'' or ''mean''.';
COMMENT ON COLUMN estimates.base_missing IS 'Respondents in the level who did not answer.';
COMMENT ON COLUMN estimates.base_is IS 'Of a published figure: whether its base is ''exact'', ''approximate'' or ''unknown''.';
COMMENT ON COLUMN estimates.rounding IS 'Half a unit of the last digit of a published figure, in `unit`; 0 for our own estimates.';
COMMENT ON COLUMN estimates.published_on IS 'Vintage of a published figure; null for our own estimates or when not known.';
COMMENT ON COLUMN estimates.evidence IS 'Of a published figure: ''confirmed'', ''second_hand'', ''inferred'' or ''unverified''.';
COMMENT ON COLUMN estimates.note IS 'What a reader of the figure should know.';
COMMENT ON COLUMN estimates.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE comparisons (
    release_id VARCHAR NOT NULL,
    comparison VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    left_survey VARCHAR NOT NULL,
    left_wave VARCHAR NOT NULL,
    left_indicator VARCHAR NOT NULL,
    left_domain VARCHAR NOT NULL,
    left_level VARCHAR NOT NULL,
    left_estimate DOUBLE,
    right_survey VARCHAR NOT NULL,
    right_wave VARCHAR NOT NULL,
    right_indicator VARCHAR NOT NULL,
    right_domain VARCHAR NOT NULL,
    right_level VARCHAR NOT NULL,
    right_estimate DOUBLE,
    difference DOUBLE,
    standard_error DOUBLE,
    ci_lower DOUBLE,
    ci_upper DOUBLE,
    ratio DOUBLE,
    ratio_ci_lower DOUBLE,
    ratio_ci_upper DOUBLE,
    degrees_of_freedom DOUBLE,
    p_value DOUBLE,
    p_adjusted DOUBLE,
    adjustment VARCHAR,
    family VARCHAR NOT NULL,
    family_size BIGINT NOT NULL,
    detectable_difference DOUBLE,
    grade VARCHAR NOT NULL,
    differs_on VARCHAR NOT NULL,
    verdict VARCHAR,
    caveats VARCHAR NOT NULL,
    sentence VARCHAR NOT NULL,
    is_suppressed BOOLEAN NOT NULL,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (comparison, level),
    CHECK (grade IN ('comparable', 'indicative', 'not_comparable')),
    CHECK (verdict IN ('higher', 'lower', 'no clear difference', 'not comparable')),
    CHECK (is_suppressed OR (grade = 'not_comparable') = (verdict IS NOT NULL AND verdict = 'not comparable')),
    CHECK (p_value BETWEEN 0 AND 1 AND p_adjusted >= p_value),
    CHECK (ci_lower <= difference AND difference <= ci_upper),
    CHECK (NOT is_suppressed OR (left_estimate IS NULL AND right_estimate IS NULL AND difference IS NULL AND ratio IS NULL AND verdict IS NULL))
);
COMMENT ON TABLE comparisons IS 'One row per comparison and level: two estimates side by side, whether that is fair, and what may be said.';
COMMENT ON COLUMN comparisons.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN comparisons.comparison IS 'The comparison, as the catalogue names it.';
COMMENT ON COLUMN comparisons.level IS 'Level compared, where a comparison runs over the levels of a domain; ''all'' otherwise.';
COMMENT ON COLUMN comparisons.kind IS 'How the sides belong together: ''pair'', ''levels:total'', ''levels:rest'', ''levels:each_other'', ''levels:'' and the domain that holds them, ''series:previous'', ''series:first'' or ''threshold''.';
COMMENT ON COLUMN comparisons.label IS 'What is compared, in words.';
COMMENT ON COLUMN comparisons.indicator IS 'Indicator of the right side, which the left is set against.';
COMMENT ON COLUMN comparisons.left_survey IS 'Survey of the left side.';
COMMENT ON COLUMN comparisons.left_wave IS 'Wave of the left side.';
COMMENT ON COLUMN comparisons.left_indicator IS 'Indicator of the left side.';
COMMENT ON COLUMN comparisons.left_domain IS 'Domain of the left side.';
COMMENT ON COLUMN comparisons.left_level IS 'Level of the left side.';
COMMENT ON COLUMN comparisons.left_estimate IS 'Estimate of the left side, unrounded.';
COMMENT ON COLUMN comparisons.right_survey IS 'Survey of the right side.';
COMMENT ON COLUMN comparisons.right_wave IS 'Wave of the right side.';
COMMENT ON COLUMN comparisons.right_indicator IS 'Indicator of the right side.';
COMMENT ON COLUMN comparisons.right_domain IS 'Domain of the right side; ''rest_of:'' and a domain is everybody outside the level, ''threshold'' a stated number.';
COMMENT ON COLUMN comparisons.right_level IS 'Level of the right side.';
COMMENT ON COLUMN comparisons.right_estimate IS 'Estimate of the right side, unrounded.';
COMMENT ON COLUMN comparisons.difference IS 'Left minus right, from unrounded values.';
COMMENT ON COLUMN comparisons.standard_error IS 'Standard error of the difference, overlap of the samples accounted for.';
COMMENT ON COLUMN comparisons.ci_lower IS 'Lower end of the 95 per cent interval of the difference, widened where a side is a rounded figure.';
COMMENT ON COLUMN comparisons.ci_upper IS 'Upper end of that interval.';
COMMENT ON COLUMN comparisons.ratio IS 'Left divided by right.';
COMMENT ON COLUMN comparisons.ratio_ci_lower IS 'Lower end of the 95 per cent interval of the ratio.';
COMMENT ON COLUMN comparisons.ratio_ci_upper IS 'Upper end of that interval.';
COMMENT ON COLUMN comparisons.degrees_of_freedom IS 'Degrees of freedom of the difference (Satterthwaite for independent samples).';
COMMENT ON COLUMN comparisons.p_value IS 'Two-sided p of no difference. Null when not comparable or when a standard error is missing.';
COMMENT ON COLUMN comparisons.p_adjusted IS 'p adjusted for the size of the family.';
COMMENT ON COLUMN comparisons.adjustment IS '''holm'' or ''benjamini_hochberg'' (the share of false findings among findings), or null when the family is of one test or none.';
COMMENT ON COLUMN comparisons.family IS 'Comparisons adjusted together.';
COMMENT ON COLUMN comparisons.family_size IS 'How many comparisons of the family were tested.';
COMMENT ON COLUMN comparisons.detectable_difference IS 'Smallest true difference that would have been found with 80 per cent power at the level the family leaves to one test. Null where no test was made.';
COMMENT ON COLUMN comparisons.grade IS '''comparable'', ''indicative'' or ''not_comparable''.';
COMMENT ON COLUMN comparisons.differs_on IS 'Axes on which the sides differ, or are not known to agree, beyond what is compared; empty when none.';
COMMENT ON COLUMN comparisons.verdict IS '''higher'', ''lower'', ''no clear difference'' or ''not comparable'' (of the left against the right). Null when suppressed or when no standard error is known.';
COMMENT ON COLUMN comparisons.caveats IS 'One sentence for each axis, in plain English.';
COMMENT ON COLUMN comparisons.sentence IS 'A sentence a writer may use.';
COMMENT ON COLUMN comparisons.is_suppressed IS 'True when either side is suppressed; then no number is given.';
COMMENT ON COLUMN comparisons.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE trends (
    release_id VARCHAR NOT NULL,
    series VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    domain VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    segment BIGINT NOT NULL,
    first_wave VARCHAR NOT NULL,
    last_wave VARCHAR NOT NULL,
    waves BIGINT NOT NULL,
    years DOUBLE,
    slope DOUBLE,
    standard_error DOUBLE,
    ci_lower DOUBLE,
    ci_upper DOUBLE,
    confidence DOUBLE,
    fit_statistic DOUBLE,
    fit_degrees_of_freedom BIGINT,
    fit_p_value DOUBLE,
    direction VARCHAR NOT NULL,
    change DOUBLE,
    change_ci_lower DOUBLE,
    change_ci_upper DOUBLE,
    turning_points VARCHAR,
    note VARCHAR,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (series, indicator, domain, level, segment),
    CHECK (direction IN ('rising', 'falling', 'no clear trend', 'uneven', 'too few waves')),
    CHECK (ci_lower <= slope AND slope <= ci_upper),
    CHECK (change_ci_lower <= change AND change <= change_ci_upper)
);
COMMENT ON TABLE trends IS 'One row per series, indicator, domain, level and unbroken run of two waves or more: the slope, and whether there is one.';
COMMENT ON COLUMN trends.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN trends.series IS 'Waves made alike; see waves.series.';
COMMENT ON COLUMN trends.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN trends.domain IS 'How the population is divided; ''all'' is the whole population.';
COMMENT ON COLUMN trends.level IS 'The part of the population.';
COMMENT ON COLUMN trends.segment IS 'Which run of waves between breaks of the series, from 1.';
COMMENT ON COLUMN trends.first_wave IS 'First wave of the run with this estimate.';
COMMENT ON COLUMN trends.last_wave IS 'Last wave of the run with this estimate.';
COMMENT ON COLUMN trends.waves IS 'Waves with a known standard error, on which the slope rests.';
COMMENT ON COLUMN trends.years IS 'Time from the first to the last of them, in years.';
COMMENT ON COLUMN trends.slope IS 'Change a year by weighted least squares, in the unit of the estimate. Null with fewer than three waves.';
COMMENT ON COLUMN trends.standard_error IS 'Standard error of the slope.';
COMMENT ON COLUMN trends.ci_lower IS 'Lower end of the interval of the slope, widened where figures are rounded.';
COMMENT ON COLUMN trends.ci_upper IS 'Upper end of that interval.';
COMMENT ON COLUMN trends.confidence IS 'Confidence of both intervals.';
COMMENT ON COLUMN trends.fit_statistic IS 'Q of Cochran: scatter about the straight line beyond what standard errors explain.';
COMMENT ON COLUMN trends.fit_degrees_of_freedom IS 'Its degrees of freedom.';
COMMENT ON COLUMN trends.fit_p_value IS 'Its p: below 0.05 a straight line does not fit.';
COMMENT ON COLUMN trends.direction IS '''rising'', ''falling'', ''no clear trend'', ''uneven'' (a straight line does not fit) or ''too few waves''.';
COMMENT ON COLUMN trends.change IS 'Last wave less first wave of the run.';
COMMENT ON COLUMN trends.change_ci_lower IS 'Lower end of its interval.';
COMMENT ON COLUMN trends.change_ci_upper IS 'Upper end of its interval.';
COMMENT ON COLUMN trends.turning_points IS 'Waves at which clear changes turned from one direction to the other, of the whole population.';
COMMENT ON COLUMN trends.note IS 'Missing waves, waves left out, and what the slope is not.';
COMMENT ON COLUMN trends.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE league_tables (
    release_id VARCHAR NOT NULL,
    wave VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    domain VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    rank BIGINT NOT NULL,
    rank_lower BIGINT NOT NULL,
    rank_upper BIGINT NOT NULL,
    areas BIGINT NOT NULL,
    unranked BIGINT NOT NULL,
    confidence DOUBLE NOT NULL,
    method VARCHAR NOT NULL,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (wave, indicator, domain, level),
    CHECK (1 <= rank_lower AND rank_lower <= rank AND rank <= rank_upper AND rank_upper <= areas)
);
COMMENT ON TABLE league_tables IS 'One row per area ranked: never quote a rank without its interval.';
COMMENT ON COLUMN league_tables.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN league_tables.wave IS 'Wave of the survey; see waves.';
COMMENT ON COLUMN league_tables.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN league_tables.domain IS 'The domain whose levels are ranked.';
COMMENT ON COLUMN league_tables.level IS 'The area.';
COMMENT ON COLUMN league_tables.rank IS 'Place of the estimate, 1 the highest; ties share the best.';
COMMENT ON COLUMN league_tables.rank_lower IS 'Best rank the area may truly have.';
COMMENT ON COLUMN league_tables.rank_upper IS 'Worst rank the area may truly have.';
COMMENT ON COLUMN league_tables.areas IS 'Areas ranked.';
COMMENT ON COLUMN league_tables.unranked IS 'Areas left out: suppressed, or without a standard error.';
COMMENT ON COLUMN league_tables.confidence IS 'Confidence with which all the true ranks of the table lie in their intervals.';
COMMENT ON COLUMN league_tables.method IS 'How the intervals of ranks were made.';
COMMENT ON COLUMN league_tables.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE claims (
    release_id VARCHAR NOT NULL,
    claim VARCHAR NOT NULL,
    document VARCHAR NOT NULL,
    quotation VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    evidence_kind VARCHAR NOT NULL,
    stated VARCHAR NOT NULL,
    observed VARCHAR NOT NULL,
    arithmetic VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    support VARCHAR,
    like_for_like VARCHAR NOT NULL,
    holds_now VARCHAR NOT NULL,
    explanation VARCHAR NOT NULL,
    sentence VARCHAR NOT NULL,
    caveats VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (claim),
    CHECK (evidence_kind IN ('survey', 'administrative')),
    CHECK (arithmetic IN ('right', 'wrong', 'nothing to check')),
    CHECK (verdict IN ('supported', 'not supported', 'not comparable', 'cannot be checked')),
    CHECK (support IN ('established', 'consistent', 'inconsistent', 'contradicted')),
    CHECK ((support IS NOT NULL) = (verdict IN ('supported', 'not supported'))),
    CHECK (like_for_like IN ('comparable', 'indicative', 'not comparable', 'not applicable')),
    CHECK (holds_now IN ('holds', 'no longer holds', 'newest is used', 'cannot be checked'))
);
COMMENT ON TABLE claims IS 'One row per number a document states: what it says, what the evidence says. Four separate answers: arithmetic, verdict (with support), like_for_like, holds_now.';
COMMENT ON COLUMN claims.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN claims.claim IS 'The claim, as the catalogue names it.';
COMMENT ON COLUMN claims.document IS 'The document it stands in.';
COMMENT ON COLUMN claims.quotation IS 'Its words, verbatim.';
COMMENT ON COLUMN claims.kind IS '''level'', ''difference'', ''ratio'', ''change'', ''rank'' or ''count''.';
COMMENT ON COLUMN claims.evidence_kind IS '''survey'', or ''administrative'': not survey evidence, so only the arithmetic and documented numbers are checked.';
COMMENT ON COLUMN claims.stated IS 'What it states: words, numbers, and the range the words are taken to cover.';
COMMENT ON COLUMN claims.observed IS 'What the evidence and the arithmetic give.';
COMMENT ON COLUMN claims.arithmetic IS 'Whether the words follow from the document''s own numbers: ''right'', ''wrong'' or ''nothing to check''.';
COMMENT ON COLUMN claims.verdict IS 'Whether the evidence supports the words: ''supported'', ''not supported'', ''not comparable'' or ''cannot be checked''. Words that draw a limit need support ''established'', others ''established'' or ''consistent''.';
COMMENT ON COLUMN claims.support IS 'The interval against the range the words cover: ''established'' (inside), ''consistent'' (only the point is inside), ''inconsistent'' (only part of the interval is), ''contradicted'' (none is). Null when not comparable or not checked.';
COMMENT ON COLUMN claims.like_for_like IS 'Whether the two sides are alike: ''comparable'', ''indicative'', ''not comparable'', or ''not applicable'' for a single figure.';
COMMENT ON COLUMN claims.holds_now IS 'Whether it holds with the newest wave of the series on each side: ''holds'', ''no longer holds'', ''newest is used'' or ''cannot be checked''.';
COMMENT ON COLUMN claims.explanation IS 'A sentence for each of the four answers, a line each: arithmetic, verdict, like_for_like, holds_now.';
COMMENT ON COLUMN claims.sentence IS 'A sentence a writer may use instead.';
COMMENT ON COLUMN claims.caveats IS 'What must be said beside it.';
COMMENT ON COLUMN claims.evidence IS 'The comparison or estimate that decides it, or why none can.';
COMMENT ON COLUMN claims.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE quarantine (
    release_id VARCHAR NOT NULL,
    wave VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    rule VARCHAR NOT NULL,
    respondents BIGINT,
    share DOUBLE,
    symbol VARCHAR,
    is_suppressed BOOLEAN NOT NULL,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (wave, reason),
    CHECK (is_suppressed = (respondents IS NULL)),
    CHECK (is_suppressed = (share IS NULL)),
    CHECK (respondents = 0 OR respondents >= 10),
    CHECK (share BETWEEN 0 AND 1)
);
COMMENT ON TABLE quarantine IS 'One row per wave and rule by which rows of its file are set aside before estimation. Rows of the file are the rows kept and these.';
COMMENT ON COLUMN quarantine.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN quarantine.wave IS 'Wave; see waves.';
COMMENT ON COLUMN quarantine.reason IS 'Why rows were set aside, as the wave names it. A row counts under the first rule it breaks.';
COMMENT ON COLUMN quarantine.position IS 'Order in which the rules are applied, from 1.';
COMMENT ON COLUMN quarantine.rule IS 'The rule in words.';
COMMENT ON COLUMN quarantine.respondents IS 'Rows set aside. Null when fewer than 10 (0 is shown), or when it would give such a number away.';
COMMENT ON COLUMN quarantine.share IS 'Their share of the rows of the file, 0 to 1.';
COMMENT ON COLUMN quarantine.symbol IS 'GSS shorthand: ''[c]'' confidential.';
COMMENT ON COLUMN quarantine.is_suppressed IS 'True when the numbers of the row are withheld.';
COMMENT ON COLUMN quarantine.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE revisions (
    release_id VARCHAR NOT NULL,
    survey VARCHAR NOT NULL,
    wave VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    domain VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    published_on DATE NOT NULL,
    replaced_on DATE NOT NULL,
    estimate DOUBLE,
    ci_lower DOUBLE,
    ci_upper DOUBLE,
    confidence DOUBLE,
    variance_basis VARCHAR NOT NULL,
    base_unweighted BIGINT,
    rounding DOUBLE,
    symbol VARCHAR,
    is_suppressed BOOLEAN NOT NULL,
    source VARCHAR NOT NULL,
    evidence VARCHAR,
    note VARCHAR,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (wave, indicator, domain, level, published_on),
    CHECK (published_on < replaced_on),
    CHECK (ci_lower <= estimate AND estimate <= ci_upper),
    CHECK (estimate BETWEEN 0 AND 1 AND ci_lower >= 0 AND ci_upper <= 1),
    CHECK (variance_basis IN ('published', 'assumed')),
    CHECK (NOT is_suppressed OR (estimate IS NULL AND ci_lower IS NULL AND ci_upper IS NULL AND base_unweighted IS NULL))
);
COMMENT ON TABLE revisions IS 'One row per published figure that a later publication replaced. The figure that stands is in estimates. Proportions are 0 to 1.';
COMMENT ON COLUMN revisions.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN revisions.survey IS 'Survey; see surveys.';
COMMENT ON COLUMN revisions.wave IS 'Wave of the survey; see waves.';
COMMENT ON COLUMN revisions.indicator IS 'What is measured; see indicators.';
COMMENT ON COLUMN revisions.domain IS 'How the population is divided.';
COMMENT ON COLUMN revisions.level IS 'The part of the population.';
COMMENT ON COLUMN revisions.published_on IS 'Day this figure was published.';
COMMENT ON COLUMN revisions.replaced_on IS 'Day the next figure of the same wave, indicator and level was published.';
COMMENT ON COLUMN revisions.estimate IS 'The figure as it stood, as a proportion. Null when suppressed.';
COMMENT ON COLUMN revisions.ci_lower IS 'Lower end of its confidence interval.';
COMMENT ON COLUMN revisions.ci_upper IS 'Upper end of its confidence interval.';
COMMENT ON COLUMN revisions.confidence IS 'Confidence of the interval. Null when there is none.';
COMMENT ON COLUMN revisions.variance_basis IS '''published'' (the producer''s interval, or none) or ''assumed'' (base and an assumed design effect).';
COMMENT ON COLUMN revisions.base_unweighted IS 'Respondents behind it. Null when suppressed or not known.';
COMMENT ON COLUMN revisions.rounding IS 'Half a unit of its last published digit.';
COMMENT ON COLUMN revisions.symbol IS 'GSS shorthand, as in estimates.';
COMMENT ON COLUMN revisions.is_suppressed IS 'True when every number of the row is withheld.';
COMMENT ON COLUMN revisions.source IS 'Where it was published.';
COMMENT ON COLUMN revisions.evidence IS '''confirmed'', ''second_hand'', ''inferred'' or ''unverified''.';
COMMENT ON COLUMN revisions.note IS 'What a reader of the figure should know.';
COMMENT ON COLUMN revisions.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE weighting (
    release_id VARCHAR NOT NULL,
    wave VARCHAR NOT NULL,
    weight VARCHAR NOT NULL,
    step BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    method VARCHAR,
    margins VARCHAR,
    respondents BIGINT NOT NULL,
    total DOUBLE NOT NULL,
    g_min DOUBLE,
    g_max DOUBLE,
    design_effect DOUBLE NOT NULL,
    effective_n DOUBLE NOT NULL,
    trimmed_share DOUBLE,
    iterations BIGINT,
    max_misfit DOUBLE,
    zero_weights BIGINT,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (wave, weight, step),
    CHECK (zero_weights = 0 OR zero_weights >= 10)
);
COMMENT ON TABLE weighting IS 'One row per wave, weight and step: how an analysis weight was made and how uneven it is.';
COMMENT ON COLUMN weighting.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN weighting.wave IS 'Wave; see waves.';
COMMENT ON COLUMN weighting.weight IS 'Weight, as the wave names it.';
COMMENT ON COLUMN weighting.step IS 'Order of the step, from 1.';
COMMENT ON COLUMN weighting.kind IS '''supplied'' by the producer, or a step of ours: ''base'', ''scaled'', ''calibrated'', ''trimmed'' ...';
COMMENT ON COLUMN weighting.method IS 'How margins were met; null for a step that meets none.';
COMMENT ON COLUMN weighting.margins IS 'Population margins the weight was brought to; null for a supplied weight.';
COMMENT ON COLUMN weighting.respondents IS 'Respondents of positive weight.';
COMMENT ON COLUMN weighting.total IS 'Sum of the weights.';
COMMENT ON COLUMN weighting.g_min IS 'Smallest factor of this step.';
COMMENT ON COLUMN weighting.g_max IS 'Largest factor of this step.';
COMMENT ON COLUMN weighting.design_effect IS 'Kish: loss of precision from uneven weights alone.';
COMMENT ON COLUMN weighting.effective_n IS 'Respondents over that design effect.';
COMMENT ON COLUMN weighting.trimmed_share IS 'Share of the weight that was cut.';
COMMENT ON COLUMN weighting.iterations IS 'Iterations to meet the margins.';
COMMENT ON COLUMN weighting.max_misfit IS 'Largest relative distance of a margin from its target.';
COMMENT ON COLUMN weighting.zero_weights IS 'Respondents whose supplied weight is zero, who count in no estimate. Null from 1 to 9, and for a weight of ours.';
COMMENT ON COLUMN weighting.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE weighting_margins (
    release_id VARCHAR NOT NULL,
    wave VARCHAR NOT NULL,
    weight VARCHAR NOT NULL,
    variable VARCHAR NOT NULL,
    category VARCHAR NOT NULL,
    population_share DOUBLE NOT NULL,
    before_share DOUBLE,
    after_share DOUBLE,
    difference_before DOUBLE,
    difference_after DOUBLE,
    is_suppressed BOOLEAN NOT NULL,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (wave, weight, variable, category)
);
COMMENT ON TABLE weighting_margins IS 'One row per wave, weight and category of a margin: how far the sample was from its population, and is after weighting.';
COMMENT ON COLUMN weighting_margins.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN weighting_margins.wave IS 'Wave; see waves.';
COMMENT ON COLUMN weighting_margins.weight IS 'Weight, as the wave names it.';
COMMENT ON COLUMN weighting_margins.variable IS 'Margin; ''a*b'' crosses two variables.';
COMMENT ON COLUMN weighting_margins.category IS 'Category of the margin.';
COMMENT ON COLUMN weighting_margins.population_share IS 'Share of the population, 0 to 1.';
COMMENT ON COLUMN weighting_margins.before_share IS 'Share of the sample by its base weights. Null when suppressed.';
COMMENT ON COLUMN weighting_margins.after_share IS 'Share of the sample by the weight made. Null when suppressed.';
COMMENT ON COLUMN weighting_margins.difference_before IS 'Standardised difference of sample and population before.';
COMMENT ON COLUMN weighting_margins.difference_after IS 'Standardised difference after.';
COMMENT ON COLUMN weighting_margins.is_suppressed IS 'True when too few respondents are in the category, or when it would give such a category away; then only the population is shown.';
COMMENT ON COLUMN weighting_margins.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE headlines (
    release_id VARCHAR NOT NULL,
    headline VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    label VARCHAR NOT NULL,
    wave VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    domain VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (headline, wave)
);
COMMENT ON TABLE headlines IS 'One row per headline: an estimate picked out by the catalogue, ready to read.';
COMMENT ON COLUMN headlines.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN headlines.headline IS 'The headline, as the catalogue names it.';
COMMENT ON COLUMN headlines.position IS 'Order in which headlines are shown.';
COMMENT ON COLUMN headlines.label IS 'What it is, in words.';
COMMENT ON COLUMN headlines.wave IS 'Wave of the estimate.';
COMMENT ON COLUMN headlines.indicator IS 'Indicator of the estimate.';
COMMENT ON COLUMN headlines.domain IS 'Domain of the estimate.';
COMMENT ON COLUMN headlines.level IS 'Level of the estimate.';
COMMENT ON COLUMN headlines.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE indicators (
    release_id VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    definition VARCHAR NOT NULL,
    concept VARCHAR NOT NULL,
    recall VARCHAR NOT NULL,
    statistic VARCHAR NOT NULL,
    phrase VARCHAR NOT NULL,
    PRIMARY KEY (id)
);
COMMENT ON TABLE indicators IS 'One row per indicator.';
COMMENT ON COLUMN indicators.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN indicators.id IS 'Indicator: a concept and a recall period.';
COMMENT ON COLUMN indicators.label IS 'Short name.';
COMMENT ON COLUMN indicators.definition IS 'What counts.';
COMMENT ON COLUMN indicators.concept IS 'What is measured, whatever the period.';
COMMENT ON COLUMN indicators.recall IS 'Period asked about.';
COMMENT ON COLUMN indicators.statistic IS '''proportion'' or ''mean''.';
COMMENT ON COLUMN indicators.phrase IS 'Completes "14 per cent of adults ...".';

CREATE TABLE surveys (
    release_id VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    definition VARCHAR NOT NULL,
    geography VARCHAR NOT NULL,
    age_from BIGINT,
    frame VARCHAR NOT NULL,
    sampling VARCHAR NOT NULL,
    note VARCHAR,
    PRIMARY KEY (id)
);
COMMENT ON TABLE surveys IS 'One row per survey.';
COMMENT ON COLUMN surveys.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN surveys.id IS 'Survey.';
COMMENT ON COLUMN surveys.label IS 'Its name.';
COMMENT ON COLUMN surveys.definition IS 'Whom it speaks for.';
COMMENT ON COLUMN surveys.geography IS 'Area of its population.';
COMMENT ON COLUMN surveys.age_from IS 'Youngest age of its population; null when not known.';
COMMENT ON COLUMN surveys.frame IS 'What the sample was drawn from.';
COMMENT ON COLUMN surveys.sampling IS '''probability'', ''quota'', ''opt_in_panel'' or ''unknown''.';
COMMENT ON COLUMN surveys.note IS 'What a reader should know.';

CREATE TABLE waves (
    release_id VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    definition VARCHAR NOT NULL,
    survey VARCHAR NOT NULL,
    series VARCHAR,
    series_label VARCHAR,
    kind VARCHAR NOT NULL,
    year BIGINT NOT NULL,
    fieldwork_start DATE,
    fieldwork_end DATE,
    fieldwork_precision VARCHAR NOT NULL,
    mode VARCHAR NOT NULL,
    sampling VARCHAR NOT NULL,
    break_before VARCHAR,
    source VARCHAR NOT NULL,
    is_released BOOLEAN NOT NULL,
    unverified VARCHAR,
    note VARCHAR,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (id),
    CHECK (kind IN ('microdata', 'tables'))
);
COMMENT ON TABLE waves IS 'One row per catalogued wave, whether or not its file has landed.';
COMMENT ON COLUMN waves.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN waves.id IS 'Wave.';
COMMENT ON COLUMN waves.label IS 'Its name.';
COMMENT ON COLUMN waves.definition IS 'Fieldwork period, in words.';
COMMENT ON COLUMN waves.survey IS 'Its survey.';
COMMENT ON COLUMN waves.series IS 'Waves made alike, through which a trend may be drawn; null when in none.';
COMMENT ON COLUMN waves.series_label IS 'Name of the series.';
COMMENT ON COLUMN waves.kind IS '''microdata'' (a file of respondents) or ''tables'' (published figures).';
COMMENT ON COLUMN waves.year IS 'Year in which fieldwork began.';
COMMENT ON COLUMN waves.fieldwork_start IS 'First day of fieldwork, where known.';
COMMENT ON COLUMN waves.fieldwork_end IS 'Last day of fieldwork, where known.';
COMMENT ON COLUMN waves.fieldwork_precision IS '''day'', or ''month'' when only months are known and the dates are their first and last days.';
COMMENT ON COLUMN waves.mode IS 'How answers were collected.';
COMMENT ON COLUMN waves.sampling IS 'How respondents were chosen.';
COMMENT ON COLUMN waves.break_before IS 'Why this wave does not simply continue the one before it in its series; null when it does.';
COMMENT ON COLUMN waves.source IS 'Where it comes from; see sources.';
COMMENT ON COLUMN waves.is_released IS 'True when this release holds estimates of the wave.';
COMMENT ON COLUMN waves.unverified IS 'Facts about the wave that have not been verified.';
COMMENT ON COLUMN waves.note IS 'What a reader should know.';
COMMENT ON COLUMN waves.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE domains (
    release_id VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    definition VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (id, level)
);
COMMENT ON TABLE domains IS 'One row per domain and level.';
COMMENT ON COLUMN domains.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN domains.id IS 'Domain.';
COMMENT ON COLUMN domains.label IS 'Short name.';
COMMENT ON COLUMN domains.definition IS 'How it is made.';
COMMENT ON COLUMN domains.level IS 'One of its levels; where only a lookup of areas knows them, one that is in the release.';
COMMENT ON COLUMN domains.position IS 'Order in which levels are shown.';

CREATE TABLE sources (
    release_id VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    definition VARCHAR NOT NULL,
    producer VARCHAR NOT NULL,
    licence VARCHAR NOT NULL,
    url VARCHAR,
    PRIMARY KEY (id)
);
COMMENT ON TABLE sources IS 'One row per source of files or figures.';
COMMENT ON COLUMN sources.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN sources.id IS 'Source.';
COMMENT ON COLUMN sources.label IS 'Title.';
COMMENT ON COLUMN sources.definition IS 'Citation.';
COMMENT ON COLUMN sources.producer IS 'Who made it.';
COMMENT ON COLUMN sources.licence IS 'Terms of use.';
COMMENT ON COLUMN sources.url IS 'Where it is described.';

CREATE TABLE benchmarks (
    release_id VARCHAR NOT NULL,
    survey VARCHAR NOT NULL,
    wave VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    domain VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    published DOUBLE NOT NULL,
    published_lower DOUBLE,
    published_upper DOUBLE,
    ours DOUBLE,
    difference DOUBLE,
    verdict VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    note VARCHAR,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (wave, indicator, domain, level),
    CHECK (verdict IN ('reproduced', 'not reproduced', 'waived', 'suppressed', 'synthetic'))
);
COMMENT ON TABLE benchmarks IS 'One row per officially published figure that a microdata wave of this release should reproduce.';
COMMENT ON COLUMN benchmarks.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN benchmarks.survey IS 'Survey.';
COMMENT ON COLUMN benchmarks.wave IS 'Wave read from respondents.';
COMMENT ON COLUMN benchmarks.indicator IS 'Indicator.';
COMMENT ON COLUMN benchmarks.domain IS 'Domain.';
COMMENT ON COLUMN benchmarks.level IS 'Level.';
COMMENT ON COLUMN benchmarks.published IS 'The published figure, as a proportion.';
COMMENT ON COLUMN benchmarks.published_lower IS 'Lower end of its published interval.';
COMMENT ON COLUMN benchmarks.published_upper IS 'Upper end of its published interval.';
COMMENT ON COLUMN benchmarks.ours IS 'Our estimate; null when suppressed.';
COMMENT ON COLUMN benchmarks.difference IS 'Ours minus published.';
COMMENT ON COLUMN benchmarks.verdict IS '''reproduced'' (equal to rounding), ''not reproduced'', ''waived'' (a known reason, in note), ''suppressed'' or ''synthetic'' (invented respondents cannot reproduce anything).';
COMMENT ON COLUMN benchmarks.source IS 'Where the figure was published.';
COMMENT ON COLUMN benchmarks.note IS 'Why a miss is accepted, where it is.';
COMMENT ON COLUMN benchmarks.is_synthetic IS 'True when the row rests on synthetic (invented) respondents. Never quote such a row.';

CREATE TABLE runs (
    release_id VARCHAR NOT NULL,
    built_at TIMESTAMP NOT NULL,
    code_version VARCHAR NOT NULL,
    catalogue_digest VARCHAR NOT NULL,
    input_digests VARCHAR NOT NULL,
    lookup_digests VARCHAR NOT NULL,
    failed_waves VARCHAR NOT NULL,
    is_synthetic BOOLEAN NOT NULL,
    PRIMARY KEY (release_id)
);
COMMENT ON TABLE runs IS 'One row: what this release is and what it was made from.';
COMMENT ON COLUMN runs.release_id IS 'Release this row belongs to: a digest of everything the release was made from.';
COMMENT ON COLUMN runs.built_at IS 'When the release was built, in Coordinated Universal Time.';
COMMENT ON COLUMN runs.code_version IS 'Version of the package and digest of its code.';
COMMENT ON COLUMN runs.catalogue_digest IS 'Digest of the catalogue.';
COMMENT ON COLUMN runs.input_digests IS 'JSON: wave to the SHA-256 of its file, or to null for published figures that came in none.';
COMMENT ON COLUMN runs.lookup_digests IS 'JSON: wave to the lookups of areas its domains rest on, each with the SHA-256 of its file.';
COMMENT ON COLUMN runs.failed_waves IS 'JSON: wave to why it is not in this release though its file has landed.';
COMMENT ON COLUMN runs.is_synthetic IS 'True when any wave in the release is synthetic.';
