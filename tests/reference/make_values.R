# Makes values.csv: R survey's results on households.csv and towns.csv, one number a line.
# Run in this folder: Rscript make_values.R   (Debian: r-base-core, r-cran-survey)
# The adjusting policy for single PSUs and Wilson's interval differ between survey 4.1 and 4.5; they are not used here.
suppressMessages(library(survey))
people <- read.csv("households.csv")
towns <- read.csv("towns.csv")
# A single PSU in stratum 6, for the policies.
lone <- rbind(people, transform(people[1:4, ], stratum = 6, psu = 1, psus_in_stratum = 20))

out <- list()
put <- function(case, stat, value)
  out[[length(out) + 1]] <<- data.frame(case = case, stat = stat, value = sprintf("%.17g", as.numeric(value)))

designs <- list(
  weights = svydesign(ids = ~1, weights = ~weight, data = people),
  strata = svydesign(ids = ~1, strata = ~stratum, weights = ~weight, data = people),
  clusters = svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, nest = TRUE, data = people),
  corrected = svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, fpc = ~psus_in_stratum, nest = TRUE, data = people)
)
for (name in names(designs)) {
  for (domain in c("all", "region", "sex", "age")) {
    levels <- if (domain == "all") "all" else sort(unique(people[[domain]]))
    for (level in levels) {
      whole <- designs[[name]]
      here <- if (domain == "all") whole else whole[people[[domain]] == level, ]
      case <- paste(name, domain, level, sep = "/")
      for (item in c("volunteered", "joined")) {
        answered <- subset(here, !is.na(get(item)))
        m <- svymean(as.formula(paste0("~", item)), answered, deff = "replace")
        put(case, paste0(item, ".estimate"), coef(m)); put(case, paste0(item, ".se"), SE(m))
        put(case, paste0(item, ".deff"), deff(m)); put(case, paste0(item, ".df"), degf(answered))
        for (method in c("xlogit", "beta", "mean")) {
          ci <- confint(svyciprop(as.formula(paste0("~", item)), answered, method = method))
          put(case, paste0(item, ".", method, ".lower"), ci[1]); put(case, paste0(item, ".", method, ".upper"), ci[2])
        }
      }
      m <- svymean(~hours, here, na.rm = TRUE)
      put(case, "hours.mean", coef(m)); put(case, "hours.mean.se", SE(m))
      t <- svytotal(~hours, here, na.rm = TRUE)
      put(case, "hours.total", coef(t)); put(case, "hours.total.se", SE(t))
      q <- svyratio(~hours, ~people, subset(here, !is.na(hours)))
      put(case, "ratio", coef(q)); put(case, "ratio.se", SE(q))
    }
  }
}

d <- designs$clusters
for (item in c("volunteered", "joined")) {
  test <- svychisq(as.formula(paste0("~", item, "+age")), d)
  put("independence", paste0(item, ".F"), test$statistic); put("independence", paste0(item, ".ndf"), test$parameter[1])
  put("independence", paste0(item, ".ddf"), test$parameter[2]); put("independence", paste0(item, ".p"), test$p.value)
}
test <- svychisq(~trust + region, d)
put("independence", "trust.F", test$statistic); put("independence", "trust.p", test$p.value)

quantiles <- svyquantile(~hours, d, c(0.25, 0.5, 0.9), na.rm = TRUE, ci = TRUE, interval.type = "mean")$hours
for (i in 1:3) for (j in 1:4)
  put("quantile", paste(c("q25", "q50", "q90")[i], c("estimate", "lower", "upper", "se")[j], sep = "."), quantiles[i, j])

fit <- svyglm(volunteered ~ sex + age + people, d, family = quasibinomial(), control = glm.control(epsilon = 1e-14))
for (i in seq_along(coef(fit))) {
  put("logistic", paste0("b", i), coef(fit)[i]); put("logistic", paste0("se", i), SE(fit)[i])
}
put("logistic", "df", fit$df.residual)
fit <- svyglm(hours ~ sex + age + people, d)
for (i in seq_along(coef(fit))) {
  put("linear", paste0("b", i), coef(fit)[i]); put("linear", paste0("se", i), SE(fit)[i])
}

answered <- subset(d, !is.na(volunteered))
standard <- svystandardize(answered, by = ~age, over = ~region, population = c(50, 30, 20))
for (level in c("North", "South", "West")) {
  m <- svymean(~volunteered, subset(standard, region == level))
  put("standardise", level, coef(m)); put("standardise", paste0(level, ".se"), SE(m))
}

# A group beside the total that holds it, and one group beside another.
both <- svyby(~joined, ~sex, d, svymean, covmat = TRUE)
put("covariance", "female.male", vcov(both)[1, 2])
put("covariance", "difference.se", SE(svycontrast(both, c(female = 1, male = -1))))
totals <- svytotal(~I(joined * (sex == "female")) + I(1 * (sex == "female")) + joined + I(joined * 0 + 1), d)
names(totals) <- c("yes", "base", "allyes", "allbase")
attr(totals, "var") <- unname(attr(totals, "var"))
dimnames(attr(totals, "var")) <- list(c("yes", "base", "allyes", "allbase"), c("yes", "base", "allyes", "allbase"))
overlap <- svycontrast(totals, quote(yes / base - allyes / allbase))
put("covariance", "overlap", coef(overlap)); put("covariance", "overlap.se", SE(overlap))

two <- svydesign(ids = ~town + street, fpc = ~towns + streets, data = towns)
m <- svymean(~score, two); put("stages", "mean", coef(m)); put("stages", "mean.se", SE(m))
m <- svytotal(~member, two); put("stages", "total", coef(m)); put("stages", "total.se", SE(m))

for (policy in c("certainty", "average")) {
  options(survey.lonely.psu = policy)
  dl <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, nest = TRUE, data = lone)
  m <- svymean(~joined, dl); put(paste0("lonely/", policy), "mean", coef(m)); put(paste0("lonely/", policy), "se", SE(m))
  m <- svymean(~joined, subset(dl, sex == "female"))
  put(paste0("lonely/", policy), "female", coef(m)); put(paste0("lonely/", policy), "female.se", SE(m))
}

jk <- as.svrepdesign(designs$clusters, type = "JKn")
m <- svymean(~joined, jk); put("jackknife", "se", SE(m))
m <- svyratio(~hours, ~people, subset(jk, !is.na(hours))); put("jackknife", "ratio.se", SE(m))

write.csv(do.call(rbind, out), "values.csv", row.names = FALSE, quote = FALSE)
cat(R.version.string, " survey ", as.character(packageVersion("survey")), "\n", sep = "")
