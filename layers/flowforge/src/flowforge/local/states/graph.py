"""How the states of a definition hang together: transitions, names and the scopes of variables."""

from collections.abc import Iterator, Mapping

from flowforge.local.states.definition import (
    ChoiceState,
    Container,
    FailState,
    MapState,
    ParallelState,
    RetryingState,
    State,
    SucceedState,
)
from flowforge.local.states.fields import NO_END, TRANSITION, Diagnostics


def check_flow(container: Container, place: str, diagnostics: Diagnostics) -> None:
    """Every target exists, every state can be reached, and an end can be reached."""
    states = container.states
    if container.start_at not in states:
        diagnostics.add(f"Missing 'Next' target: {container.start_at}", f"{place}/StartAt", TRANSITION)
        return
    for state in states.values():
        for target, where in _targets(state):
            if target not in states:
                diagnostics.add(f"Missing 'Next' target: {target}", f"{place}/States/{state.name}/{where}", TRANSITION)
    reached = {container.start_at}
    waiting = [container.start_at]
    while waiting:
        for target, _ in _targets(states[waiting.pop()]):
            if target in states and target not in reached:
                reached.add(target)
                waiting.append(target)
    for name in states:
        if name not in reached:
            diagnostics.add(f"State '{name}' is not reachable.", f"{place}/States/{name}", TRANSITION)
    if not any(_ends(states[name]) for name in reached):
        diagnostics.add("State machine is missing a terminal state", f"{place}/States", NO_END)


def check_names(container: Container, diagnostics: Diagnostics) -> None:
    """A name is used once in the whole machine, also across the containers of maps and branches."""
    seen: set[str] = set()
    for state, place in _all_states(container, ""):
        if state.name in seen:
            diagnostics.add(f"Duplicate State name: {state.name}", place, "DUPLICATE_STATE_NAME")
        seen.add(state.name)


def check_scopes(container: Container, diagnostics: Diagnostics, outer: frozenset[str] = frozenset(), place: str = "") -> None:
    """An iteration or a branch reads the variables around it, and may not assign one of their names."""
    own: set[str] = set()
    for state in container.states.values():
        for assign in _assignments(state):
            own.update(assign)
            for name in sorted(outer & assign.keys()):
                diagnostics.add(f"The variable '{name}' is assigned in an outer scope", f"{place}/States/{state.name}/Assign")
    for state in container.states.values():
        for inner, where in containers_of(state):
            check_scopes(inner, diagnostics, outer | own, f"{place}/States/{state.name}/{where}")


def containers_of(state: State) -> Iterator[tuple[Container, str]]:
    """The containers inside a state, each with the field that holds it."""
    if isinstance(state, MapState):
        yield state.processor, "ItemProcessor"
    if isinstance(state, ParallelState):
        yield from ((branch, f"Branches[{index}]") for index, branch in enumerate(state.branches))


def _assignments(state: State) -> Iterator[Mapping[str, object]]:
    yield state.assign
    if isinstance(state, RetryingState):
        yield from (catcher.assign for catcher in state.catchers)
    if isinstance(state, ChoiceState):
        yield from (rule.assign for rule in state.rules)


def _targets(state: State) -> Iterator[tuple[str, str]]:
    if state.next is not None:
        yield state.next, "Default" if isinstance(state, ChoiceState) else "Next"
    if isinstance(state, ChoiceState):
        yield from ((rule.next, f"Choices[{index}]/Next") for index, rule in enumerate(state.rules))
    if isinstance(state, RetryingState):
        yield from ((catcher.next, f"Catch[{index}]/Next") for index, catcher in enumerate(state.catchers))


def _ends(state: State) -> bool:
    return isinstance(state, SucceedState | FailState) or (state.next is None and not isinstance(state, ChoiceState))


def _all_states(container: Container, place: str) -> Iterator[tuple[State, str]]:
    for state in container.states.values():
        here = f"{place}/States/{state.name}"
        yield state, here
        for inner, where in containers_of(state):
            yield from _all_states(inner, f"{here}/{where}")
