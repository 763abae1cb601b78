"""Phrases of annotations: templates that Prometheus fills in from the labels and values of an alert."""

from __future__ import annotations

from otel_verein.collector.rules.series import ENVIRONMENT, KIND, OPERATION

SERVICE = f"{{{{ $labels.job }}}}{{{{ with $labels.{ENVIRONMENT} }}}} ({{{{ . }}}}){{{{ end }}}}"
NAME = f"{{{{ $labels.{OPERATION} }}}}"
OF_SERVICE = f"{NAME} of {SERVICE}"
VALUE = "{{ $value | humanize }}"
SHARE = "{{ $value | humanizePercentage }}"

SERVICE_SELECTOR = ("job", ENVIRONMENT)
OPERATION_SELECTOR = ("job", ENVIRONMENT, OPERATION, KIND)


def asked(series: str, labels: tuple[str, ...], *, fixed: str = "", shown: str = "humanize") -> str:
    """What *series* has for the labels of the alert, and with the matchers *fixed*; `unknown` if it has nothing."""
    selector = ",".join((*(f"{each}=%q" for each in labels), *filter(None, (fixed,))))
    values = " ".join(f"$labels.{each}" for each in labels)
    found = f"{{{{ with printf `{series}{{{selector}}}` {values} | query }}}}{{{{ . | first | value | {shown} }}}}"
    return f"{found}{{{{ else }}}}unknown{{{{ end }}}}"


REPORT = (
    f'Run `otel-verein report --operation \'{{{{ reReplaceAll "\'" "?" $labels.{OPERATION} }}}}\'` on the '
    "collector's files (`--from`, the folder otlp of collector.directory)."
)
"""What shows single cases of an operation; a quote in its name becomes ?, which stands for any character in a glob."""
