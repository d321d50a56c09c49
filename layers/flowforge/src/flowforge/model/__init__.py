"""What the product speaks of: workflows, plans, step requests and results, contracts, errors. Imports nothing else of ours."""
