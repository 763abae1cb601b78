"""Tests with real drivers and real database servers, against an independent witness."""
