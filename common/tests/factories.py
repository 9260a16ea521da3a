import factory

from common.tests.models import Tool


class ToolFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Tool

    name = factory.Sequence(lambda number: f"Tool {number}")
    value = factory.Sequence(lambda number: f"tool-{number}")
