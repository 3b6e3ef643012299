"""Kind of step → what does it and what undoes it. The table is the room's face; nothing else here is used outside."""

from collections.abc import Mapping

from exod.plan.steps import StepKind
from exod.supervisor.handlers import instances, packages, wishes, work
from exod.supervisor.handlers.hands import Handler, asking, nothing
from exod.supervisor.handlers.hands import Hands as Hands
from exod.supervisor.lifecycle import State

HANDLERS: Mapping[StepKind, Handler] = {
    StepKind.STORE_PACKAGE: Handler(packages.store_package, packages.unstore_package),
    StepKind.PIN_OWNER: Handler(packages.pin_owner, packages.unpin_owner),
    StepKind.REGISTER: Handler(packages.register, packages.undo_register),
    StepKind.MAKE_DATA: Handler(packages.make_data, packages.unmake_data),
    StepKind.RESERVE_INSTANCE: Handler(instances.reserve_instance, instances.release_instance),
    StepKind.PREPARE_SANDBOX: Handler(instances.prepare_sandbox, instances.discard_sandbox),
    StepKind.SPAWN: Handler(instances.spawn, instances.discard_sandbox),
    StepKind.CHECK_WALLS: Handler(instances.check_instance, nothing),
    StepKind.GO: Handler(instances.go, nothing),
    StepKind.OFFER_SERVICES: Handler(work.offer_services, work.withdraw_services),
    StepKind.START: Handler(work.start, work.unstart),
    StepKind.SUSPEND: Handler(work.suspend, asking(work.resume, back=State.RUNNING)),
    StepKind.RESUME: Handler(work.resume, asking(work.suspend, back=State.SUSPENDED)),
    StepKind.STOP: Handler(work.stop, asking(work.start, back=State.RUNNING)),
    StepKind.WITHDRAW_SERVICES: Handler(work.withdraw_services, work.reoffer_services),
    StepKind.END_INSTANCE: Handler(instances.end_instance, nothing),
    StepKind.SET_DESIRED: Handler(wishes.set_desired, wishes.unset_desired),
    StepKind.SET_CONFIG: Handler(wishes.set_config, wishes.unset_config),
    StepKind.UNREGISTER: Handler(packages.unregister, packages.undo_unregister),
    StepKind.DROP_PACKAGE: Handler(packages.drop_package, packages.undrop_package),
    StepKind.DROP_DATA: Handler(packages.drop_data, packages.undrop_data),
    StepKind.DISCARD: Handler(packages.discard, nothing),
}
