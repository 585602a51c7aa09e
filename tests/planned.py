"""Tasks of the plan, to hold the ledgers against."""

from collections.abc import Iterator
from dataclasses import replace

from utils.benchmark import equal_classes
from utils.benchmark.records import Task
from utils.benchmark.tasks import grid
from utils.config import Profile, Roles
from utils.data.identity import DatasetIdentity
from utils.data.tables import read_tables
from utils.experiments import many_tables, other_seeds
from utils.experiments.plan_cost import CREDITCARD, SEEDS, TABLES
from utils.plan_file import read_plan


def planned_tasks(profile: Profile) -> Iterator[tuple[str, str, list[Task]]]:
    """Part, dataset and tasks of the plan but for few frauds; those fitted anew with equal classes choose nothing."""
    unread = DatasetIdentity(CREDITCARD, "", Roles())
    tasks = grid(profile, unread)
    searched = [task for task in tasks if task.search and equal_classes.is_refitted(profile, task)]
    again = [replace(task, search=task.search.of_one_fit()) for task in searched]
    yield CREDITCARD, CREDITCARD, [*tasks, *equal_classes.searched_tasks(profile, unread), *again]
    own = many_tables.sized(profile)
    for table in read_tables().values():
        if table.role == read_plan().tables.role:
            yield TABLES, table.name, many_tables.tasks_of(own, DatasetIdentity(table.name, "", Roles()))
    yield SEEDS, CREDITCARD, other_seeds.tasks_of(profile, unread)
