-- Ten questions a briefing raises, each answered by a query of the released file. Open it read only and paste:
--   duckdb -readonly warehouse/engagement_stats.duckdb
-- querying.md says what the columns mean in practice and what not to do with them.

-- 1. What are the headline figures, how sure are they, and may they be quoted?
SELECT label, wave_label, per_cent, ci_lower, ci_upper, base_text, quality, mark
FROM headline_table;

-- 2. What do we measure about volunteering, and for whom?
SELECT kind, id, label, held
FROM find('volunteer');

-- 3. How many adults volunteer, by the newest figure, and what must be said beside it?
SELECT per_cent, lower_per_cent, upper_per_cent, base_text, wave_label, caveat, is_synthetic
FROM rate('formal_volunteering_12m');

-- 4. Does it differ from region to region? Only a verdict says so: status tells where there is no test, and why.
SELECT indicator_label, level, per_cent, lower_per_cent, upper_per_cent, whole_per_cent, verdict, status, symbol,
    wave_label, is_synthetic
FROM area_profile
WHERE domain = 'region' AND indicator IN ('civic_participation_12m', 'certain_to_vote', 'signed_petition_12m')
ORDER BY indicator_label, level;

-- 5. Is it rising or falling? Within one series, never across a break; direction is that of the whole unbroken run.
SELECT year, per_cent, lower_per_cent, upper_per_cent, change_verdict, segment, direction, break_before, is_synthetic
FROM trend_of('formal_volunteering_12m', 'cls_web');

-- 6. Did it change between two years?
SELECT left_wave, left_per_cent, right_wave, right_per_cent, difference_points, verdict, status, sentence,
    is_synthetic
FROM compare_waves('formal_volunteering_12m', 'cls_2019_20', 'cls_2020_21');

-- 7. How do "left behind" neighbourhoods compare with England, and is that like for like?
SELECT label, per_cent(lbn) AS lbn, per_cent(england) AS england, grade, verdict, sentence, is_synthetic
FROM lbn_v_england;

-- 8. What is known of one area or group?
SELECT indicator_label, per_cent, lower_per_cent, upper_per_cent, symbol, whole_per_cent, verdict, status,
    wave_label, is_synthetic
FROM profile('North East');

-- 9. Does what the last briefing said stand, and what may be written instead?
SELECT quotation, verdict, like_for_like, holds_now, sentence, is_synthetic
FROM claims
ORDER BY document, claim;

-- 10. When and how was each survey held, how many answered, and what has nobody verified?
SELECT wave_label, fieldwork, mode, sampling, base, break_before, unverified, is_synthetic
FROM wave_coverage
WHERE is_released;
