"""The practice world: a seeded shop whose customers churn for reasons."""
