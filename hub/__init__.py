"""A self-hosted automation hub for Stripe Checkout."""

__version__ = "0.1.0"
