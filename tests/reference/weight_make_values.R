# Makes weight_values.csv: R survey's weights on weight_people.csv, one number a line.
# Run in this folder: Rscript weight_make_values.R   (Debian: r-base-core, r-cran-survey)
# The people are invented. Base weights d are unequal, which is where rake() and calibrate() part in their variances.
suppressMessages(library(survey))
people <- read.csv("weight_people.csv", stringsAsFactors = TRUE)
out <- list()
put <- function(case, values)
  out[[length(out) + 1]] <<- data.frame(case = case, row = seq_along(values), value = sprintf("%.17g", as.numeric(values)))

sex <- data.frame(sex = c("Female", "Male"), Freq = c(5200, 4800))
age <- data.frame(age = c("18-34", "35-54", "55+"), Freq = c(2900, 3300, 3800))
region <- data.frame(region = c("East", "North", "South", "West"), Freq = c(2000, 3100, 2700, 2200))
cross <- expand.grid(age = age$age, sex = sex$sex)
cross$Freq <- c(1450, 1700, 2050, 1450, 1600, 1750)
total <- 10000
people$d <- people$d * total / sum(people$d)
design <- svydesign(ids = ~1, weights = ~d, data = people)
formula <- ~ sex + age + region
pop <- c(`(Intercept)` = total, sexMale = 4800, `age35-54` = 3300, `age55+` = 3800,
         regionNorth = 3100, regionSouth = 2700, regionWest = 2200)
control <- list(maxit = 500, epsilon = 1e-13)

put("rake", weights(rake(design, list(~sex, ~age, ~region), list(sex, age, region), control = control)))
put("linear", weights(calibrate(design, formula, pop, epsilon = 1e-13)))
put("raking", weights(calibrate(design, formula, pop, calfun = "raking", epsilon = 1e-12, maxit = 200)))
put("logit", weights(calibrate(design, formula, pop, calfun = "logit", bounds = c(0.6, 1.6), epsilon = 1e-12, maxit = 200)))
put("truncated_linear", weights(calibrate(design, formula, pop, calfun = "linear", bounds = c(0.68, 1.5), epsilon = 1e-12, maxit = 200)))
put("poststratify", weights(postStratify(design, ~ age + sex, cross)))
put("crossed_raking", weights(calibrate(design, ~ age * sex + region,
  c(`(Intercept)` = total, `age35-54` = 3300, `age55+` = 3800, sexMale = 4800, regionNorth = 3100, regionSouth = 2700,
    regionWest = 2200, `age35-54:sexMale` = 1600, `age55+:sexMale` = 1750),
  calfun = "raking", epsilon = 1e-12, maxit = 200)))
put("greg", weights(calibrate(design, ~ sex + hours, c(`(Intercept)` = total, sexMale = 4800, hours = 41000), epsilon = 1e-13)))
raked <- rake(design, list(~sex, ~age, ~region), list(sex, age, region), control = control)
# At 113 one round is enough; where it is not, R leaves weights above the limit or (strict) moves those at the lower one.
put("trim", weights(trimWeights(raked, lower = 12, upper = 113)))

# Response: a logistic model weighted by d, and its inverse.
model <- glm(answered ~ sex + age + region + hours, family = quasibinomial(), data = people, weights = d,
             control = list(epsilon = 1e-14, maxit = 100))
put("propensity", fitted(model))

values <- do.call(rbind, out)
write.csv(values, "weight_values.csv", row.names = FALSE, quote = FALSE)
