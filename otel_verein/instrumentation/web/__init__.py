"""Web frameworks: what the upstream instrumentations of OpenTelemetry fall short of."""
