"""`pipeline-store demo`: a week of a pipeline, from import to upload, in a few seconds.

Everything goes through services and the unit of work, as in a program of one's own: `pipeline.py`
is the part to copy. Time is simulated by giving the store a clock of ours.
"""

from pipeline_store.cli.demo.running import run_demo

__all__ = ["run_demo"]
