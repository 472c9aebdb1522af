"""The main way: a data set becomes a plan, the plan trials, the trials a model."""
