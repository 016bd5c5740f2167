"""The errors of widgets."""

from parley_core.errors import BusinessRuleError, NotFoundError


class WidgetNotFound(NotFoundError):
    code = "widget_not_found"
    title = "There is no widget with this id"


class DuplicateWidget(BusinessRuleError):
    code = "duplicate_widget"
    title = "Another widget has this title: choose a different one"
