"""What the notebooks research with: splits, metrics, models, frames and plots."""
