"""The options of `tamis fit` that become the settings of a run."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from tamis.cli.quantities import DURATION, MEMORY


class SettingOption(click.Option):
    """An option whose default is told by `Settings`, the one place where it stands."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Look the default up when help is asked for."""
        from tamis.workflow.settings import Settings

        record = super().get_help_record(ctx)
        value = getattr(Settings(), str(self.name), None)
        if record is None or value is False or value in (None, {}, ()):
            return record
        return record[0], f"{record[1]}  [default: {value}]"


def read_roles(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str] | None:
    """Turn COLUMN=ROLE into a mapping; a column's name may itself hold an equals sign."""
    roles = {}
    for one in given:
        column, sign, role = one.rpartition("=")
        if not sign or not column or not role:
            raise click.BadParameter(f"must be COLUMN=ROLE, such as zip=categorical; got {one!r}.", context, parameter)
        roles[column] = role
    return roles or None


def read_names(context: click.Context, parameter: click.Parameter, given: str | None) -> tuple[str, ...] | None:
    """Part names at commas."""
    return None if given is None else tuple(name.strip() for name in given.split(",") if name.strip())


_OPTIONS = (
    click.option("--target", cls=SettingOption, metavar="COLUMN", help="The column to predict."),
    click.option(
        "--task",
        cls=SettingOption,
        metavar="T",
        help="binary, multiclass or regression; found from the target by itself. text: the table is about texts; "
        "image: about images alone, whatever other columns it has.",
    ),
    click.option(
        "--metric",
        cls=SettingOption,
        metavar="M",
        help="What to optimise: roc_auc, log_loss, rmse, accuracy, f1_macro, mae, r2 ... "
        "By itself: roc_auc for two classes, log_loss for more, rmse for numbers; accuracy for classes of images.",
    ),
    click.option(
        "--positive",
        cls=SettingOption,
        metavar="CLASS",
        help="Of two classes the one that f1, precision, recall and average_precision are about; by itself the second.",
    ),
    click.option(
        "--time-limit",
        "time_limit_s",
        cls=SettingOption,
        type=DURATION,
        metavar="60s",
        help="How long the whole command may take; by itself one minute, or no limit with --max-trials.",
    ),
    click.option(
        "--max-trials",
        cls=SettingOption,
        type=click.IntRange(min=1),
        metavar="N",
        help="How many candidates may be tried; with the same seed the same result on any machine.",
    ),
    click.option(
        "--memory-limit",
        "memory_limit_mb",
        cls=SettingOption,
        type=MEMORY,
        metavar="8GB",
        help="How much memory the run may use; by itself 85 % of what is free.",
    ),
    click.option(
        "--predict-time-limit",
        "predict_limit_s",
        cls=SettingOption,
        type=DURATION,
        metavar="0.1s",
        help="For tables: how long the prediction of 1,000 rows may take on this machine.",
    ),
    click.option(
        "--copies-together",
        cls=SettingOption,
        is_flag=True,
        default=None,
        help="For tables: rows that are equal in every feature stay on one side of every split, for a score that holds "
        "where rows to come will not repeat these.",
    ),
    click.option("--preset", cls=SettingOption, metavar="P", help="fast, balanced or best."),
    click.option(
        "--search",
        cls=SettingOption,
        metavar="S",
        help="auto, portfolio, random, local; for tables also bayesian, genetic, halving or hyperband; for images also "
        "evolution, reinforce, enas, morphism or surrogate; or what an installed package offers.",
    ),
    click.option(
        "--include",
        cls=SettingOption,
        callback=read_names,
        metavar="MODEL,...",
        help="For tables: use these models alone, by their names on the leaderboard, such as lightgbm,logistic.",
    ),
    click.option(
        "--exclude",
        cls=SettingOption,
        callback=read_names,
        metavar="NAME,...",
        help="For tables: do without these models and steps of preparation, such as realmlp,target_statistics.",
    ),
    click.option(
        "--base", cls=SettingOption, metavar="RUN", help="An earlier run to begin with, for new data of the same kind."
    ),
    click.option("--space", cls=SettingOption, metavar="S", help="For images: which networks are searched."),
    click.option(
        "--backbone",
        cls=SettingOption,
        metavar="NAME",
        help="For images and texts: a pretrained network by name, file or folder; of images also an earlier run; none "
        "for none.",
    ),
    click.option(
        "--max-latency-ms", cls=SettingOption, type=float, metavar="MS", help="For images: time for one prediction."
    ),
    click.option(
        "--max-parameters", cls=SettingOption, type=int, metavar="N", help="For images: weights of a network."
    ),
    click.option("--jobs", cls=SettingOption, type=int, metavar="N", help="Cores to use; -1: all."),
    click.option("--seed", cls=SettingOption, type=int, metavar="N", help="Where all randomness comes from."),
    click.option(
        "--type",
        "roles",
        cls=SettingOption,
        multiple=True,
        callback=read_roles,
        metavar="COLUMN=ROLE",
        help="Fix what a column is: numeric, categorical, date, text, image, identifier, group, weight, ignored ... "
        "May be given several times.",
    ),
)
_NAMES = (
    "target",
    "task",
    "metric",
    "positive",
    "time_limit_s",
    "max_trials",
    "memory_limit_mb",
    "predict_limit_s",
    "copies_together",
    "preset",
    "search",
    "include",
    "exclude",
    "base",
    "space",
    "backbone",
    "max_latency_ms",
    "max_parameters",
    "jobs",
    "seed",
    "roles",
)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a run, and hand them on as the mapping `given`: only those that were given."""

    @wraps(command)
    def gathered(**options: Any) -> Any:
        given = {name: options.pop(name) for name in _NAMES}
        return command(given={name: value for name, value in given.items() if value is not None}, **options)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered
