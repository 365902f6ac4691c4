# Raking by R's survey; run by bench.weighting. Arguments: package, CSV, JSON of margins, task.
suppressMessages(library(survey))
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[2], colClasses = c(region = "character", decile = "character", urban = "character",
                                              agesex = "character", ethnicity = "character"))
# The JSON is two levels of names and numbers, which needs no package to read.
text <- gsub("[{}\"]", "", readChar(arguments[3], 1e7))
entries <- strsplit(text, ", ")[[1]]
margins <- list()
for (entry in entries) {
  parts <- strsplit(entry, ": ")[[1]]
  if (length(parts) == 3) { name <- parts[1]; margins[[name]] <- c(); parts <- parts[2:3] }
  margins[[name]][parts[1]] <- as.numeric(parts[2])
}
names_ <- names(margins)
for (name in names_) data[[name]] <- factor(data[[name]], levels = names(margins[[name]]))
data$weight <- data$weight * sum(margins[[1]]) / sum(data$weight)
design <- svydesign(ids = ~household, strata = ~stratum, weights = ~weight, data = data)
options(survey.lonely.psu = "certainty")
begin <- proc.time()
if (arguments[4] == "rake") {
  tables <- lapply(names_, function(n) setNames(data.frame(names(margins[[n]]), margins[[n]]), c(n, "Freq")))
  done <- rake(design, lapply(names_, function(n) as.formula(paste0("~", n))), tables,
               control = list(maxit = 1000, epsilon = 1e-12))
} else {
  wanted <- c(`(Intercept)` = sum(margins[[1]]))
  for (n in names_) wanted <- c(wanted, setNames(margins[[n]][-1], paste0(n, names(margins[[n]])[-1])))
  done <- calibrate(design, as.formula(paste("~", paste(names_, collapse = "+"))), wanted, calfun = "raking",
                    epsilon = 1e-11, maxit = 200)
}
spent <- sum((proc.time() - begin)[c(1, 2, 4, 5)], na.rm = TRUE)
if (arguments[4] == "areas") {
  begin <- proc.time()
  m <- svyby(~i05, ~area, done, svymean, na.rm = TRUE)
  spent <- 10 * sum((proc.time() - begin)[c(1, 2, 4, 5)], na.rm = TRUE)
  cells <- sprintf('["%s",%.17g,%.17g]', m$area, m$i05, SE(m))
  cat(sprintf('{"cpu_seconds": %.17g, "rows": [%s]}\n', spent, paste(cells, collapse = ",")))
  quit()
}
misfit <- max(sapply(names_, function(n) max(abs(tapply(weights(done), data[[n]], sum) / margins[[n]] - 1))))
cat(sprintf('{"cpu_seconds": %.17g, "misfit": %.17g}\n', spent, misfit))
