"""Lists the jobs of a job manager, looks at one and cancels it, with PyPI's flink-job-manager-api.

    flink_client.py URL JOB

Prints a line for each thing it was told.
"""

import sys
import time

from flink_job_manager_api import Client
from flink_job_manager_api.api.default import (
    cancel_job,
    get_cluster_overview,
    get_job_exceptions,
    get_job_status_info,
    get_jobs_overview,
)
from flink_job_manager_api.models.termination_mode import TerminationMode

url, wanted = sys.argv[1:]
# An answer that Flink does not give is an exception.
client = Client(base_url=url, raise_on_unexpected_status=True)

overview = get_cluster_overview.sync(client=client)
print("running", overview.jobs_running)
for job in get_jobs_overview.sync(client=client).jobs:
    print("job", job.jid, job.name, job.state.value)
exceptions = get_job_exceptions.sync(wanted, client=client)
print("exceptions", len(exceptions.exception_history.entries))
cancelled = cancel_job.sync_detailed(wanted, client=client, mode=TerminationMode.CANCEL)
print("cancelled", int(cancelled.status_code))
for _ in range(600):
    status = get_job_status_info.sync(wanted, client=client).status.value
    if status == "CANCELED":
        break
    time.sleep(0.1)
print("status", status)
