"""Brings a vendor's records in and lists some. First start a vendor: `cmms simulate upkeep`."""

import sys

import cmms

address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:9100"
login = {"email": "integration@example.com", "password": "upkeep-sim"}
with cmms.open("sqlite://plant.db", settings={"CMMS_EGRESS_ALLOW": address}) as client:
    plant = client.connections.ensure("upkeep", address, "Plant", credentials=login)
    run = client.sync.all(plant.id)
    print(run.status, run.synced_count)
    for order in client.work_orders.iterate(status=["in_progress"]):
        print(order.number, order.priority, order.title)
