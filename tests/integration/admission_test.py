"""A plugin that admits: asked through the broker by the real daemon, and what becomes of writes when it is not there."""

from harness import BUILD, TENANT, ApiError, Daemon, folder

DOORS = f"{TENANT}/doors"


def refused(call):
    """The problem that a call is answered with."""
    try:
        answer = call()
    except ApiError as error:
        return dict(error.problem, status=error.status)
    raise AssertionError(f"taken: {answer}")


def door(name, **spec):
    return {"metadata": {"name": name}, "spec": spec}


def hook(daemon, name, **spec):
    daemon.post("/v1/admissionhooks", {"metadata": {"name": name}, "spec": dict(plugin="doorkeeper", kinds=["test.doors/Door"], **spec)})


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        daemon.enable_plugin("doorkeeper")
        daemon.post(DOORS, door("before", color="red"))

        hook(daemon, "paint", stage="MUTATE")
        assert daemon.post(DOORS, door("front"))["spec"]["color"] == "blue"
        problem = refused(lambda: daemon.post(DOORS, door("back", color="red")))
        assert problem["status"] == 403 and problem["reason"] == "doors.red", problem
        assert "frighten" in problem["detail"] and "paint" in problem["detail"], problem
        tried = daemon.post(f"{DOORS}?dry_run=true", door("side"))
        assert tried["spec"]["color"] == "blue" and refused(lambda: daemon.get(f"{DOORS}/side"))["status"] == 404

        daemon.patch(f"{DOORS}/front", {"spec": {"locks": 2}})
        assert refused(lambda: daemon.delete(f"{DOORS}/front"))["reason"] == "doors.locked"

        daemon.post("/v1/plugins/doorkeeper:disable")
        daemon.wait_plugin("doorkeeper", "DISABLED")
        problem = refused(lambda: daemon.post(DOORS, door("late")))
        assert problem["status"] == 503 and problem["reason"] == "admission.unavailable", problem
        assert len(daemon.get(DOORS)["items"]) == 2, "reads need nobody"
        daemon.patch("/v1/admissionhooks/paint", {"spec": {"failure": "OPEN"}})
        assert "color" not in daemon.post(DOORS, door("late"))["spec"]
        daemon.delete(f"{DOORS}/front")


if __name__ == "__main__":
    main()
