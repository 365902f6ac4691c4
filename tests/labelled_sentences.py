"""Sentences with what a careful reader takes their numbers to mean, to measure the reading of texts by.

`DEVELOPED` was at hand while the reading was written. `HELD_OUT` was written beforehand too, but first read by the
program when the reading was finished, and nothing was changed for its sake: its scores are the ones to believe.

Each is (text, {words of a number: label}). A label is "wave indicator domain level" and the verdict, or None where the
number is not one that can be held against an estimate of the release: no statistic, another indicator, other people,
no year where several agree with it, or several indicators meant.
"""

Label = tuple[str, str] | None
Labelled = tuple[str, dict[str, Label]]

S, N, C = "supported", "not supported", "cannot be checked"

DEVELOPED: list[Labelled] = [
    # The seed briefing.
    (
        "8 per cent of residents in 'left behind' neighbourhoods had been a member of a local community or social action group over the past year.",
        {"8 per cent": ("survation_lbn_2020 community_group_membership_12m all all", C)},
    ),
    (
        "The English estimate is 15 per cent of people who had been involved in local social action at least once in the last twelve months in 2018-19.",
        {"15 per cent": ("cls_2018_19 social_action_12m all all", C)},
    ),
    (
        "In 2018-19 a national figure of 36 per cent of people had taken part in formal volunteering in the past year.",
        {"36 per cent": ("cls_2018_19 formal_volunteering_12m all all", S)},
    ),
    (
        "only 14 per cent of those surveyed had been involved in unpaid voluntary activities",
        {"14 per cent": ("survation_lbn_2020 unpaid_voluntary_activities all all", C)},
    ),
    (
        "Membership of local groups and community organisations fell by a sixth from a peak of 61 per cent in 1993 to 50 per cent in 2019.",
        {"61 per cent": None, "50 per cent": None},
    ),
    (
        "In a recent survey, 95% of local government leaders identified local community responses as significant in meeting the challenge of COVID-19.",
        {"95%": None},
    ),
    (
        "Over 25 per cent of pubs have called their final last orders since 2001, with 27 per cent of libraries closing their doors since 2005.",
        {"Over 25 per cent": None, "27 per cent": None},
    ),
    ("just under one-in-three working-age adults receive at least one benefit, nearly double the England average",
     {"just under one-in-three": None}),
    ("76 per cent of community-owned assets are in 'very good' or 'good' financial health.", {"76 per cent": None}),
    # In the style of official releases.
    (
        "In 2019/20, 37% of respondents took part in formal volunteering at least once in the last year.",
        {"37%": ("cls_2019_20 formal_volunteering_12m all all", S)},
    ),
    (
        "In 2020/21, 17% of adults in England took part in formal volunteering at least once a month, compared with 23% in 2019/20.",
        {"17%": ("cls_2020_21 formal_volunteering_monthly all all", S), "23%": ("cls_2019_20 formal_volunteering_monthly all all", S)},
    ),
    (
        "Civic participation rose from 34 per cent in 2018-19 to 41 per cent in 2019-20.",
        {"34 per cent": ("cls_2018_19 civic_participation_12m all all", S), "41 per cent": ("cls_2019_20 civic_participation_12m all all", S)},
    ),
    (
        "Between 2018-19 and 2019-20 civic participation rose from 34 to 41 per cent.",
        {"34 per cent": ("cls_2018_19 civic_participation_12m all all", S), "41 per cent": ("cls_2019_20 civic_participation_12m all all", S)},
    ),
    (
        "In 2023/24, 61% of adults felt that they belonged very or fairly strongly to their neighbourhood.",
        {"61%": ("cls_2023_24 belong_neighbourhood_strongly all all", S)},
    ),
    (
        "In 2021/22, 63% of adults felt strongly that they belonged to their neighbourhood, up from 60% in 2023/24.",
        {"63%": ("cls_2021_22 belong_neighbourhood_strongly all all", S), "60%": ("cls_2023_24 belong_neighbourhood_strongly all all", N)},
    ),
    (
        "In 2024/25, 6.6% of adults said they felt lonely often or always.",
        {"6.6%": ("cls_2024_25 lonely_often_always all all", S)},
    ),
    (
        "About three quarters (75%) of respondents chatted to their neighbours at least once a month in 2013/14.",
        {"About three quarters": ("cls_2013_14 chat_neighbours_monthly all all", C), "75%": ("cls_2013_14 chat_neighbours_monthly all all", C)},
    ),
    (
        "In the North East, 34.6 per cent of people took part in civic participation in 2013-14.",
        {"34.6 per cent": ("cls_2013_14 civic_participation_12m region North East", C)},
    ),
    (
        "More than three quarters of people (76%) were satisfied with their local area in 2018-19.",
        {"More than three quarters": ("cls_2018_19 satisfied_local_area all all", N), "76%": ("cls_2018_19 satisfied_local_area all all", S)},
    ),
    (
        "In 2018-19, 81% agreed that people from different backgrounds get on well together.",
        {"81%": ("cls_2018_19 different_backgrounds_get_on_well all all", S)},
    ),
    (
        "Just over half of adults (52%) would like to be more involved in the decisions their council makes, according to the Community Life Survey 2018-19.",
        {"Just over half": ("cls_2018_19 want_more_involved_council_decisions all all", S), "52%": ("cls_2018_19 want_more_involved_council_decisions all all", S)},
    ),
    (
        "Around one in three adults (30 per cent) volunteered formally at least once in the last 12 months in 2020-21.",
        {"Around one in three": ("cls_2020_21 formal_volunteering_12m all all", S), "30 per cent": ("cls_2020_21 formal_volunteering_12m all all", S)},
    ),
    (
        "Formal volunteering in the last 12 months, 2021-22: 27%",
        {"27%": ("cls_2021_22 formal_volunteering_12m all all", S)},
    ),
    (
        "59% of adults agreed that people in their neighbourhood pull together in 2019-20; this rose to 65% in 2020-21.",
        {"59%": ("cls_2019_20 pull_together all all", S), "65%": ("cls_2020_21 pull_together all all", S)},
    ),
    (
        "Face-to-face interviews put formal volunteering in the last 12 months at 41 per cent in 2015-16.",
        {"41 per cent": ("cls_2015_16_f2f formal_volunteering_12m all all", C)},
    ),
    (
        "Forty-one per cent of people in England had signed a petition, contacted an official or joined a rally, the measure of civic participation, in 2019-20.",
        {"Forty-one per cent": ("cls_2019_20 civic_participation_12m all all", S)},
    ),
    (
        "In 2014, 41 per cent of people in the UK had signed a petition in the last 12 months.",
        {"41 per cent": ("ess_2014 signed_petition_12m all all", S)},
    ),
    (
        "The Audit of Political Engagement found that 59% of adults were absolutely certain to vote in 2016.",
        {"59%": ("hansard_audit_2016 certain_to_vote all all", S)},
    ),
    (
        "In 2016, 53 per cent of adults in Great Britain were very or fairly interested in politics.",
        {"53 per cent": ("hansard_audit_2016 interested_in_politics all all", S)},
    ),
    # Hard negatives.
    ("In the second half of 2020 the council halved its grants.", {}),
    ("The estimate for 2018-19 is 36 (95% confidence interval 34 to 38).", {}),
    ("The survey had a response rate of 12 per cent and a margin of error of 3 per cent.", {}),
    ("People aged 16 to 24 gave £1.6bn in 2019.", {}),
    ("20 per cent of volunteers said they had met new friends through formal volunteering.", {"20 per cent": None}),
    ("52 per cent of those who took part in formal volunteering in 2019-20 were women.", {"52 per cent": None}),
    ("Of adults who had taken part in social action, 40 per cent had done so in a group.", {"40 per cent": None}),
    ("64 per cent had not taken part in formal volunteering in the last 12 months in 2018-19.", {"64 per cent": None}),
    ("In Hastings, 36 per cent of adults took part in formal volunteering in the last 12 months.", {"36 per cent": None}),
    ("36 per cent of adults volunteered in 2018-19.", {"36 per cent": None}),
    ("23 per cent of young people took part in civic participation in 2019-20.", {"23 per cent": None}),
    ("10 per cent more people took part in formal volunteering than in 2018-19.", {}),
    ("Formal volunteering rose by 5 per cent.", {}),
    ("27% of children live in poverty in these areas.", {"27%": None}),
    ("36 per cent took part in formal volunteering in the last 12 months.", {"36 per cent": None}),
    ("In 1999, 40 per cent of adults took part in formal volunteering in the last 12 months.", {"40 per cent": None}),
    ("Turnout at the local election was 34 per cent.", {"34 per cent": None}),
]  # fmt: skip

HELD_OUT: list[Labelled] = [
    (
        "Levels of formal volunteering at least once in the past year were in line with the previous survey: 37% in 2019/20 and 36% in 2018/19.",
        {"37%": ("cls_2019_20 formal_volunteering_12m all all", S), "36%": ("cls_2018_19 formal_volunteering_12m all all", S)},
    ),
    (
        "Three in ten adults in England (30%) had volunteered formally at least once in the previous 12 months in 2020/21, down from 37% a year earlier.",
        {"Three in ten": ("cls_2020_21 formal_volunteering_12m all all", S), "30%": ("cls_2020_21 formal_volunteering_12m all all", S),
         "37%": ("cls_2019_20 formal_volunteering_12m all all", S)},
    ),
    (
        "In 2021/22, 16% of respondents took part in formal volunteering at least once a month (regular volunteering), in line with 17% in 2020/21.",
        {"16%": ("cls_2021_22 formal_volunteering_monthly all all", S), "17%": ("cls_2020_21 formal_volunteering_monthly all all", S)},
    ),
    (
        "In 2023/24, 33% of adults engaged in civic participation, down from 41% in 2020/21.",
        {"33%": ("cls_2023_24 civic_participation_12m all all", S), "41%": ("cls_2020_21 civic_participation_12m all all", S)},
    ),
    (
        "Two thirds of adults (66%) gave money to charitable causes in the four weeks before they were asked in 2021/22.",
        {"Two thirds": ("cls_2021_22 charitable_giving_4wk all all", S), "66%": ("cls_2021_22 charitable_giving_4wk all all", S)},
    ),
    (
        "The share of people who often or always felt lonely was 7.1 per cent in 2023-24 and 6.6 per cent in 2024-25.",
        {"7.1 per cent": ("cls_2023_24 lonely_often_always all all", S), "6.6 per cent": ("cls_2024_25 lonely_often_always all all", S)},
    ),
    (
        "Nationally, 62% of adults reported a strong sense of belonging to their neighbourhood in 2024/25.",
        {"62%": ("cls_2024_25 belong_neighbourhood_strongly all all", S)},
    ),
    (
        "In 2019-20 nearly a quarter (23 per cent) of adults were formal volunteers at least once a month.",
        {"nearly a quarter": ("cls_2019_20 formal_volunteering_monthly all all", S), "23 per cent": ("cls_2019_20 formal_volunteering_monthly all all", S)},
    ),
    (
        "Participation in social action stood at 16 per cent in 2019-20.",
        {"16 per cent": ("cls_2019_20 social_action_12m all all", S)},
    ),
    (
        "Across London, 38.6 per cent of adults participated in civic participation in 2013/14.",
        {"38.6 per cent": ("cls_2013_14 civic_participation_12m region London", C)},
    ),
    (
        "In 2020/21, 41% of men and 41% of women took part in civic participation.",
        {"41% of men": None},
    ),
    (
        "In 2019/20, 27 per cent of adults agreed that they can influence decisions affecting their local area.",
        {"27 per cent": ("cls_2019_20 can_influence_local_decisions all all", S)},
    ),
    (
        "Figures published by DCMS for 2020-21 show 79% of people satisfied with their local area as a place to live.",
        {"79%": ("cls_2020_21 satisfied_local_area all all", S)},
    ),
    (
        "Over 80 per cent of people (82 per cent) felt that people from different backgrounds got on well together in 2017-18.",
        {"Over 80 per cent": ("cls_2017_18 different_backgrounds_get_on_well all all", S), "82 per cent": ("cls_2017_18 different_backgrounds_get_on_well all all", S)},
    ),
    (
        "One in four adults in England volunteered formally at least once in the last year, according to the 2021-22 survey.",
        {"One in four": ("cls_2021_22 formal_volunteering_12m all all", S)},
    ),
    (
        "In 2020-21, 95% of people agreed that there were people who would be there for them if they needed help.",
        {"95%": ("cls_2020_21 people_there_for_me_agree all all", S)},
    ),
    (
        "The proportion of adults in Great Britain who are certain to vote was 49% in 2013.",
        {"49%": ("hansard_audit_2013 certain_to_vote all all", N)},
    ),
    (
        "Across the UK 15 per cent of people were members of a trade union in 2014.",
        {"15 per cent": ("ess_2014 trade_union_member all all", S)},
    ),
    (
        "Only 3 per cent of adults in Great Britain said they had taken part in a demonstration in 2016.",
        {"3 per cent": ("hansard_audit_2016 demonstration_12m all all", S)},
    ),
    (
        "Regular formal volunteering has fallen from 27 per cent in 2013/14 to 16 per cent in 2023/24.",
        {"27 per cent": None, "16 per cent": ("cls_2023_24 formal_volunteering_monthly all all", S)},
    ),
    (
        "In 2018-19 the Community Life Survey put civic participation at 40%.",
        {"40%": ("cls_2018_19 civic_participation_12m all all", N)},
    ),
    (
        "Fewer than one in ten people (6 per cent) felt lonely often or always in 2019-20.",
        {"Fewer than one in ten": ("cls_2019_20 lonely_often_always all all", S), "6 per cent": ("cls_2019_20 lonely_often_always all all", S)},
    ),
    # As councils and charities write.
    ("Our residents' survey found that 71% are satisfied with the way the council runs things.", {"71%": None}),
    ("In our borough, 31 per cent of residents volunteer at least once a month, well above the national average.", {"31 per cent": None}),
    ("Some 45% of tenants said they would like to be more involved in decisions about their homes.", {"45%": None}),
    ("Volunteering hours given by members increased by 12% to 4,560 in 2021-22.", {}),
    ("Two thirds of our funding, 66 per cent, comes from charitable donations.", {"66 per cent": None, "Two thirds": None}),
    ("The library had a 15% rise in visits and a third of them were by children under 12.", {"a third": None}),
    ("A quarter of organisations that responded had lost more than half of their volunteers.", {"A quarter": None, "more than half": None}),
    ("Sunderland City Council consulted 1,200 residents; 38% wanted more say in local decisions.", {"38%": None}),
    ("Among people who felt lonely often or always, 58 per cent lived alone.", {"58 per cent": None}),
    ("Only 12% of students had contacted their MP in the last 12 months.", {"12%": None}),
    ("34% of volunteers do so because they want to improve things locally.", {"34%": None}),
    ("The ward has 2.4 million visitors and 80 per cent of its shops are open.", {"80 per cent": None}),
    ("5 per cent of households were in rent arrears in the first quarter of 2021.", {"5 per cent": None}),
    ("In Wales, 26 per cent of people volunteered formally in the last 12 months in 2019-20.", {"26 per cent": None}),
    ("Among adults aged under 40, 33 per cent took part in civic participation in 2019-20.", {"33 per cent": None}),
    ("Most members of the committee had never taken part in social action.", {}),
    ("The grant covers 50 per cent of the cost of community projects.", {"50 per cent": None}),
    ("73% had never volunteered formally in the last 12 months in 2021-22.", {"73%": None}),
]  # fmt: skip
