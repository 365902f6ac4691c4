# Makes calibrated_values.csv: R survey's results on households.csv with calibrated weights, one number a line.
# Run in this folder: Rscript calibrated_make_values.R   (Debian: r-base-core, r-cran-survey)
# rake() is only there to be told apart: with unequal base weights its variances are not those of calibrate().
suppressMessages(library(survey))
people <- read.csv("households.csv")
people$region <- factor(people$region); people$sex <- factor(people$sex); people$age <- factor(people$age)
lone <- rbind(people, transform(people[1:4, ], stratum = 6, psu = 1, psus_in_stratum = 20))
out <- list()
put <- function(case, stat, value)
  out[[length(out) + 1]] <<- data.frame(case = case, stat = stat, value = sprintf("%.17g", as.numeric(value)))

# Targets: the sample's weighted totals bent by fixed factors, so that they are not met already.
targets <- function(d) {
  n <- sum(weights(d)); share <- function(v) svymean(as.formula(paste0("~", v)), d)
  s <- coef(share("sex")); a <- coef(share("age")); r <- coef(share("region"))
  s <- s * c(0.95, 1.06)[seq_along(s)]; s <- s / sum(s)
  a <- a * c(1.2, 0.95, 0.9)[seq_along(a)]; a <- a / sum(a)
  r <- r * seq(0.9, 1.15, length.out = length(r)); r <- r / sum(r)
  list(n = n, sex = s * n, age = a * n, region = r * n)
}
record <- function(case, d) {
  for (domain in c("all", "sex", "region")) {
    levels <- if (domain == "all") "all" else sort(unique(as.character(d$variables[[domain]])))
    for (level in levels) {
      here <- if (domain == "all") d else subset(d, d$variables[[domain]] == level)
      key <- paste(case, domain, level, sep = "/")
      m <- svymean(~volunteered, here, na.rm = TRUE)
      put(key, "volunteered.estimate", coef(m)); put(key, "volunteered.se", SE(m))
      put(key, "volunteered.df", degf(subset(here, !is.na(volunteered))))
      m <- svymean(~hours, here, na.rm = TRUE); put(key, "hours.mean.se", SE(m))
      t <- svytotal(~hours, here, na.rm = TRUE); put(key, "hours.total", coef(t)); put(key, "hours.total.se", SE(t))
      q <- svyratio(~hours, ~people, here, na.rm = TRUE); put(key, "ratio.se", SE(q))
    }
  }
  # svyby(covmat = TRUE) fails with calibrated designs in 4.1.
  v <- vcov(svytotal(~ I(joined * (sex == "female")) + I(joined * (sex == "male")), d))
  put(case, "joined.totals.covariance", v[1, 2])
}
margins <- function(t, d) {
  names_ <- function(v) levels(d$variables[[v]])
  p <- c(t$n, t$age[-1], t$region[-1], t$sex[-1])
  names(p) <- c("(Intercept)", paste0("age", names_("age")[-1]), paste0("region", names_("region")[-1]), paste0("sex", names_("sex")[-1]))
  p
}
designs <- list(
  weights = svydesign(ids = ~1, weights = ~weight, data = people),
  clusters = svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, nest = TRUE, data = people),
  corrected = svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, fpc = ~psus_in_stratum, nest = TRUE, data = people)
)
t <- targets(designs$weights)
for (v in c("sex", "age", "region")) for (i in seq_along(t[[v]])) put("targets", paste(v, levels(people[[v]])[i], sep = "/"), t[[v]][i])
put("targets", "people", 1.03 * sum(people$weight * people$people))
formula <- ~ age + region + sex
for (name in names(designs)) {
  d <- designs[[name]]
  record(paste(name, "linear", sep = "."), calibrate(d, formula, margins(t, d), epsilon = 1e-13))
  record(paste(name, "raking", sep = "."), calibrate(d, formula, margins(t, d), calfun = "raking", epsilon = 1e-12, maxit = 200))
  record(paste(name, "logit", sep = "."), calibrate(d, formula, margins(t, d), calfun = "logit", bounds = c(0.6, 1.7), epsilon = 1e-12, maxit = 200))
  record(paste(name, "poststratified", sep = "."), postStratify(d, ~age, data.frame(age = levels(people$age), Freq = as.numeric(t$age))))
  greg <- c(margins(t, d)[1:3], people = 1.03 * sum(people$weight * people$people))
  record(paste(name, "greg", sep = "."), calibrate(d, ~ age + people, greg, epsilon = 1e-13))
  # A vendor's final weights, the calibration recovered: targets are what the weights give.
  now <- colSums(model.matrix(formula, people) * people$weight)
  record(paste(name, "recovered", sep = "."), calibrate(d, formula, now, epsilon = 1e-13))
}
for (policy in c("remove", "average")) {
  options(survey.lonely.psu = policy)
  d <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, nest = TRUE, data = lone)
  record(paste("lone", policy, sep = "."), calibrate(d, formula, margins(t, d), calfun = "raking", epsilon = 1e-12, maxit = 200))
}
options(survey.lonely.psu = "fail")
# Trimming keeps the projection.
raked <- calibrate(designs$clusters, formula, margins(t, designs$clusters), calfun = "raking", epsilon = 1e-12, maxit = 200)
# A limit at which one round is enough: otherwise R leaves weights above it.
for (upper in as.numeric(quantile(weights(raked), seq(0.9, 0.995, 0.005)))) {
  trimmed <- trimWeights(raked, upper = upper)
  if (sum(weights(raked) > upper) > 2 && max(weights(trimmed)) <= upper) break
}
stopifnot(max(weights(trimmed)) <= upper)
put("trim", "upper", upper)
record("clusters.trimmed", trimmed)
# rake() sweeps unweighted means of influence values.
swept <- rake(designs$clusters, list(~age, ~region, ~sex),
  lapply(c("age", "region", "sex"), function(v) setNames(data.frame(levels(people[[v]]), as.numeric(t[[v]])), c(v, "Freq"))),
  control = list(maxit = 500, epsilon = 1e-12))
put("rake", "hours.mean", coef(svymean(~hours, swept, na.rm = TRUE))); put("rake", "hours.mean.se", SE(svymean(~hours, swept, na.rm = TRUE)))
# Replicates that calibrate again.
j <- as.svrepdesign(designs$clusters, type = "JKn", mse = TRUE)
j <- calibrate(j, formula, margins(t, designs$clusters), epsilon = 1e-13)
m <- svymean(~hours, j, na.rm = TRUE); put("jackknife", "hours.mean", coef(m)); put("jackknife", "hours.mean.se", SE(m))
m <- svytotal(~people, j); put("jackknife", "people.total.se", SE(m))
m <- svyglm(hours ~ sex + people, raked); put("glm", "sex.se", SE(m)[2]); put("glm", "people.se", SE(m)[3])
q <- svychisq(~ joined + region, raked); put("chisq", "F", q$statistic); put("chisq", "p", q$p.value)

# Two stages with corrections.
towns <- read.csv("towns.csv"); towns$member <- factor(towns$member)
d <- svydesign(ids = ~town + street, fpc = ~towns + streets, weights = ~weight, data = towns)
p <- colSums(model.matrix(~member, towns) * towns$weight) * c(1.02, 1.1)
put("towns", "target.n", p[1]); put("towns", "target.1", p[2])
d <- calibrate(d, ~member, p, epsilon = 1e-13)
m <- svymean(~score, d); put("towns", "mean", coef(m)); put("towns", "mean.se", SE(m))
m <- svytotal(~score, d); put("towns", "total.se", SE(m))
values <- do.call(rbind, out)
write.csv(values, "calibrated_values.csv", row.names = FALSE, quote = FALSE)
