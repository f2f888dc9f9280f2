"""Dry runs tell every effect: the object, its references, what goes with it, hooks, who watches, and what plugins plan."""

import json

from harness import BUILD, TENANT, ApiError, Daemon, folder, wait_until

PARCELS = f"{TENANT}/parcels"


def effects(answer):
    return {(effect["action"], effect["subject"]): effect for effect in answer["plan"]["effects"]}


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        for plugin in ("courier", "doorkeeper"):
            daemon.enable_plugin(plugin)
        daemon.post(PARCELS, {"metadata": {"name": "box"}, "spec": {}})

        plan = effects(daemon.post(f"{PARCELS}?dry_run=true", {"metadata": {"name": "gift"}, "spec": {"inside": "box"}}))
        assert ("create", "test.parcels/Parcel/gift") in plan and ("use", "test.parcels/Parcel/box") in plan, plan
        assert plan[("reserve", "van 1")]["by"] == "courier" and "gift" in plan[("reserve", "van 1")]["text"], plan
        assert all("gift" != item["metadata"]["name"] for item in daemon.get(PARCELS)["items"]), "nothing is written"

        daemon.post(PARCELS, {"metadata": {"name": "gift"}, "spec": {"inside": "box"}})
        plan = effects(daemon.call("DELETE", f"{PARCELS}/box?dry_run=true")[2])
        assert ("delete", "test.parcels/Parcel/box") in plan, plan
        assert "refers" in plan[("delete", "test.parcels/Parcel/gift")]["text"], plan
        assert ("unload", "van 1") in plan, plan
        assert len(daemon.get(PARCELS)["items"]) == 2

        plan = effects(daemon.post(f"{PARCELS}/box:seal?dry_run=true"))
        assert "spec.sealed" in plan[("update", "test.parcels/Parcel/box")]["text"], plan
        answer = daemon.post(f"{PARCELS}/box:deliver?dry_run=true", {"steps": 3})
        assert answer["kind"] == "novacron.core/Operation"
        assert "ParcelActions/Deliver" in effects(answer)[("call", "test.parcels/Parcel/box")]["text"], answer
        assert daemon.get(f"{TENANT}/operations")["items"] == [], "nothing was started"

        daemon.post("/v1/admissionhooks", {"metadata": {"name": "paint"},
                                           "spec": {"plugin": "doorkeeper", "kinds": ["test.doors/Door"], "stage": "MUTATE"}})
        answer = daemon.post(f"{TENANT}/doors?dry_run=true", {"metadata": {"name": "front"}, "spec": {}})
        assert answer["spec"]["color"] == "blue" and "changes" in effects(answer)[("admit", "hook paint")]["text"], answer

        slow = {"metadata": {"name": "slow", "annotations": {"courier/slow": "yes"}}, "spec": {}}
        plan = effects(daemon.post(f"{PARCELS}?dry_run=true", slow))
        assert ("unknown", "plugin courier") in plan, "a plugin that is too slow makes no plan wait"

        try:
            daemon.post(f"{PARCELS}?dry_run=true", {"metadata": {"name": "no"}, "spec": {"inside": "nothing"}})
            raise AssertionError("a plan refuses what the write would refuse")
        except ApiError as error:
            assert error.status == 400, error

        shown = daemon.cli("parcel", "create", "other", "--inside", "box", "--dry-run").stdout
        assert "reserve" in shown and "courier" in shown and "test.parcels/Parcel/box" in shown, shown
        shown = json.loads(daemon.cli("parcel", "create", "other", "--inside", "box", "--dry-run", "-o", "json").stdout)
        assert effects(shown), shown
        shown = daemon.cli("parcel", "delete", "box", "--dry-run").stdout
        assert "test.parcels/Parcel/gift" in shown, shown
        assert len(daemon.get(PARCELS)["items"]) == 2
        machines(daemon)


def machines(daemon):
    """Who places machines tells where one would live, and which disks and calls would follow."""
    for plugin in ("scheduling-basic", "fake", "compute-controller"):
        daemon.enable_plugin(plugin)
    wait_until(lambda: daemon.get("/v1/computenodes")["items"], 20, "a node offers room")
    machine = {"metadata": {"name": "web1"},
               "spec": {"driver": "fake", "memory_bytes": "64MiB", "disks": [{"name": "root", "size_bytes": "1GiB"}]}}
    node = daemon.get("/version")["node"]

    def planned():
        plan = effects(daemon.post(f"{TENANT}/virtualmachines?dry_run=true", machine))
        return plan if ("place", f"node {node}") in plan else None

    plan = wait_until(planned, 20, "the controller knows of the room")
    assert plan[("call", f"driver fake on {node}")]["text"].startswith("Start"), plan
    assert plan[("create", f"disk root on {node}")]["text"] == "1024 MiB", plan
    assert ("notify", "plugin compute-controller") in plan, plan
    assert daemon.get(f"{TENANT}/virtualmachines")["items"] == []
    daemon.post(f"{TENANT}/virtualmachines", machine)
    wait_until(lambda: daemon.get(f"{TENANT}/virtualmachines/web1").get("status", {}).get("phase") == "RUNNING", 30, "it runs")
    plan = effects(daemon.post(f"{TENANT}/virtualmachines/web1:stop?dry_run=true"))
    assert plan[("call", f"driver fake on {node}")]["text"] == "Stop", plan
    plan = effects(daemon.call("DELETE", f"{TENANT}/virtualmachines/web1?dry_run=true")[2])
    assert ("delete", f"disk root on {node}") in plan and any(action == "held" for action, _ in plan), plan
    assert ("wait", "novacron.compute/VirtualMachine/web1") in plan, plan
    text = daemon.cli("describe", "vm", "web1").stdout
    assert "vm.running" in text and "novacron vm create web1" in text, text


if __name__ == "__main__":
    main()
