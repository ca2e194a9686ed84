"""The ten tables as other programs in the field made them, with rows as they wrote them."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from pipeline_store.sql import SqlStore
from pipeline_store.sql.channels import CHANNELS_TABLES
from pipeline_store.sql.schema import ADOPTED_REVISION, VERSION_TABLE
from pipeline_store.sql.tasks import TASKS_TABLES

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

PLAIN_DDL = """
CREATE TABLE IF NOT EXISTS discovered_videos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    video_id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    channel_name TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    url TEXT NOT NULL,
    category_id INTEGER,
    duration_seconds INTEGER,
    view_count INTEGER,
    like_count INTEGER,
    comment_count INTEGER,
    view_velocity REAL,
    viral_score REAL,
    niche TEXT NOT NULL,
    discovery_source TEXT,
    discovered_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    processed INTEGER DEFAULT 0,
    content_id_risk TEXT DEFAULT 'unknown'
);
CREATE TABLE IF NOT EXISTS pipeline_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    niche TEXT NOT NULL,
    cycle_start TIMESTAMP NOT NULL,
    cycle_end TIMESTAMP NOT NULL,
    status TEXT DEFAULT 'pending',
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    video_file_path TEXT,
    video_duration_seconds REAL,
    video_file_size_bytes INTEGER,
    youtube_video_id TEXT,
    youtube_url TEXT,
    error_message TEXT,
    retry_count INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS clips (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline_run_id INTEGER NOT NULL REFERENCES pipeline_runs(id),
    discovered_video_id INTEGER NOT NULL REFERENCES discovered_videos(id),
    rank_position INTEGER NOT NULL,
    start_time_seconds REAL NOT NULL,
    end_time_seconds REAL NOT NULL,
    clip_duration_seconds REAL NOT NULL,
    extraction_method TEXT,
    clip_file_path TEXT,
    content_id_risk TEXT DEFAULT 'unknown'
);
CREATE TABLE IF NOT EXISTS scripts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline_run_id INTEGER NOT NULL REFERENCES pipeline_runs(id),
    opening_text TEXT,
    closing_text TEXT,
    full_script_json TEXT,
    total_char_count INTEGER,
    estimated_duration_seconds REAL,
    llm_model_used TEXT,
    generated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS tts_audio (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline_run_id INTEGER NOT NULL REFERENCES pipeline_runs(id),
    engine_used TEXT NOT NULL,
    voice_profile TEXT,
    audio_file_path TEXT,
    duration_seconds REAL,
    generated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS shorts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline_run_id INTEGER NOT NULL REFERENCES pipeline_runs(id),
    clip_id INTEGER REFERENCES clips(id),
    file_path TEXT,
    duration_seconds REAL,
    title TEXT,
    description TEXT,
    youtube_video_id TEXT,
    youtube_url TEXT,
    status TEXT DEFAULT 'pending',
    uploaded_at TIMESTAMP
);
CREATE TABLE IF NOT EXISTS analytics (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    youtube_video_id TEXT NOT NULL,
    measured_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    view_count INTEGER,
    like_count INTEGER,
    comment_count INTEGER,
    average_view_duration_seconds REAL,
    click_through_rate REAL,
    subscriber_gain INTEGER,
    estimated_revenue_usd REAL
);
CREATE TABLE IF NOT EXISTS review_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline_run_id INTEGER NOT NULL REFERENCES pipeline_runs(id),
    sent_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    responded_at TIMESTAMP,
    action TEXT,
    response_detail TEXT,
    auto_held INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS config_overrides (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_by TEXT DEFAULT 'system'
);
CREATE TABLE IF NOT EXISTS error_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline_run_id INTEGER,
    module TEXT NOT NULL,
    error_type TEXT NOT NULL,
    error_message TEXT NOT NULL,
    stack_trace TEXT,
    occurred_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    resolved INTEGER DEFAULT 0
);
"""

OLDER_ORM = """
CREATE TABLE discovered_videos (
    id INTEGER NOT NULL,
    video_id VARCHAR(32) NOT NULL,
    title VARCHAR NOT NULL,
    channel_name VARCHAR NOT NULL,
    channel_id VARCHAR NOT NULL,
    url VARCHAR NOT NULL,
    category_id INTEGER,
    duration_seconds INTEGER,
    view_count BIGINT,
    like_count BIGINT,
    comment_count BIGINT,
    view_velocity FLOAT,
    viral_score FLOAT,
    niche VARCHAR NOT NULL,
    discovery_source VARCHAR,
    discovered_at DATETIME NOT NULL,
    processed INTEGER NOT NULL,
    content_id_risk VARCHAR NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (video_id)
);
CREATE TABLE pipeline_runs (
    id INTEGER NOT NULL,
    niche VARCHAR NOT NULL,
    cycle_start DATETIME NOT NULL,
    cycle_end DATETIME NOT NULL,
    status VARCHAR NOT NULL,
    started_at DATETIME,
    completed_at DATETIME,
    video_file_path VARCHAR,
    video_duration_seconds FLOAT,
    video_file_size_bytes INTEGER,
    youtube_video_id VARCHAR,
    youtube_url VARCHAR,
    error_message VARCHAR,
    retry_count INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE config_overrides (
    "key" VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    updated_at DATETIME NOT NULL,
    updated_by VARCHAR NOT NULL,
    PRIMARY KEY ("key")
);
CREATE TABLE analytics (
    id INTEGER NOT NULL,
    youtube_video_id VARCHAR NOT NULL,
    measured_at DATETIME NOT NULL,
    view_count INTEGER,
    like_count INTEGER,
    comment_count INTEGER,
    average_view_duration_seconds FLOAT,
    click_through_rate FLOAT,
    subscriber_gain INTEGER,
    estimated_revenue_usd FLOAT,
    PRIMARY KEY (id)
);
CREATE TABLE clips (
    id INTEGER NOT NULL,
    pipeline_run_id INTEGER NOT NULL,
    discovered_video_id INTEGER NOT NULL,
    rank_position INTEGER NOT NULL,
    start_time_seconds FLOAT NOT NULL,
    end_time_seconds FLOAT NOT NULL,
    clip_duration_seconds FLOAT NOT NULL,
    extraction_method VARCHAR,
    clip_file_path VARCHAR,
    content_id_risk VARCHAR NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(pipeline_run_id) REFERENCES pipeline_runs (id),
    FOREIGN KEY(discovered_video_id) REFERENCES discovered_videos (id)
);
CREATE TABLE scripts (
    id INTEGER NOT NULL,
    pipeline_run_id INTEGER NOT NULL,
    opening_text VARCHAR,
    closing_text VARCHAR,
    full_script_json TEXT,
    total_char_count INTEGER,
    estimated_duration_seconds FLOAT,
    llm_model_used VARCHAR,
    generated_at DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(pipeline_run_id) REFERENCES pipeline_runs (id)
);
CREATE TABLE tts_audio (
    id INTEGER NOT NULL,
    pipeline_run_id INTEGER NOT NULL,
    engine_used VARCHAR NOT NULL,
    voice_profile VARCHAR,
    audio_file_path VARCHAR,
    duration_seconds FLOAT,
    generated_at DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(pipeline_run_id) REFERENCES pipeline_runs (id)
);
CREATE TABLE shorts (
    id INTEGER NOT NULL,
    pipeline_run_id INTEGER NOT NULL,
    clip_id INTEGER,
    file_path VARCHAR,
    duration_seconds FLOAT,
    title VARCHAR,
    description VARCHAR,
    youtube_video_id VARCHAR,
    youtube_url VARCHAR,
    status VARCHAR NOT NULL,
    uploaded_at DATETIME,
    PRIMARY KEY (id),
    FOREIGN KEY(pipeline_run_id) REFERENCES pipeline_runs (id),
    FOREIGN KEY(clip_id) REFERENCES clips (id)
);
CREATE TABLE review_log (
    id INTEGER NOT NULL,
    pipeline_run_id INTEGER NOT NULL,
    sent_at DATETIME NOT NULL,
    responded_at DATETIME,
    action VARCHAR,
    response_detail VARCHAR,
    auto_held INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(pipeline_run_id) REFERENCES pipeline_runs (id)
);
CREATE TABLE error_log (
    id INTEGER NOT NULL,
    pipeline_run_id INTEGER,
    module VARCHAR NOT NULL,
    error_type VARCHAR NOT NULL,
    error_message VARCHAR NOT NULL,
    stack_trace VARCHAR,
    occurred_at DATETIME NOT NULL,
    resolved INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(pipeline_run_id) REFERENCES pipeline_runs (id)
);
"""

SPELLINGS = {"plain DDL": PLAIN_DDL, "older ORM": OLDER_ORM}

INDEXES = """
CREATE INDEX idx_discovered_videos_niche ON discovered_videos(niche, discovered_at);
CREATE INDEX idx_discovered_videos_processed ON discovered_videos(processed);
CREATE INDEX idx_pipeline_runs_status ON pipeline_runs(status);
CREATE INDEX idx_pipeline_runs_niche ON pipeline_runs(niche, cycle_start);
CREATE INDEX idx_clips_pipeline ON clips(pipeline_run_id);
CREATE INDEX idx_analytics_video ON analytics(youtube_video_id, measured_at);
CREATE INDEX idx_error_log_module ON error_log(module, occurred_at);
"""

INDEX_NAMES = {line.split()[2] for line in INDEXES.strip().splitlines()}

# One instant in four spellings, and one row of everything.
ROWS = """
INSERT INTO discovered_videos (id, video_id, title, channel_name, channel_id, url, view_count,
        niche, discovered_at, processed, content_id_risk) VALUES
    (1, 'aaaaaaaaaaa', 'A', '', '', '', 10200000000, 'gaming', '2026-02-28T23:00:00', 0, 'low'),
    (2, 'bbbbbbbbbbb', 'B', '', '', '', NULL, 'gaming', '2026-02-28 23:30:00', 0, 'unknown'),
    (3, 'ccccccccccc', 'C', '', '', '', 5, 'gaming', '2026-02-28T01:02:03.5', 0, 'unknown'),
    (4, 'ddddddddddd', 'D', '', '', '', 5, 'gaming', '2026-02-28 01:02:03', 1, 'unknown');
INSERT INTO pipeline_runs (id, niche, cycle_start, cycle_end, status, retry_count) VALUES
    (1, 'gaming', '2026-02-28T00:00:00', '2026-02-28 06:00:00', 'review', 0),
    (2, 'music', '2026-02-28 00:00:00.000000', '2026-02-28T06:00:00Z', 'pending', 0);
INSERT INTO clips (id, pipeline_run_id, discovered_video_id, rank_position, start_time_seconds,
        end_time_seconds, clip_duration_seconds, content_id_risk) VALUES
    (1, 1, 1, 1, 10.0, 30.5, 20.5, 'unknown');
INSERT INTO scripts (id, pipeline_run_id, full_script_json, generated_at) VALUES
    (1, 1, '{"parts": []}', '2026-02-28 01:02:03.25');
INSERT INTO tts_audio (id, pipeline_run_id, engine_used, generated_at) VALUES
    (1, 1, 'piper', '2026-02-28 01:02:03+00:00');
INSERT INTO shorts (id, pipeline_run_id, clip_id, status) VALUES (1, 1, 1, 'pending');
INSERT INTO analytics (id, youtube_video_id, measured_at, view_count) VALUES
    (1, 'aaaaaaaaaaa', '2026-02-28 23:00:00', 30),
    (2, 'aaaaaaaaaaa', '2026-02-28T22:00:00', 20),
    (3, 'aaaaaaaaaaa', '2026-02-27 12:00:00.000000', 10);
INSERT INTO review_log (id, pipeline_run_id, sent_at, auto_held) VALUES
    (1, 1, '2026-02-28T20:00:00', 0);
INSERT INTO config_overrides (key, value, updated_at, updated_by) VALUES
    ('paused.niche.gaming', '1', '2026-02-28 01:02:03', 'bot');
INSERT INTO error_log (id, pipeline_run_id, module, error_type, error_message, occurred_at,
        resolved) VALUES (1, NULL, 'upload', 'Timeout', 'no answer', '2026-02-28 01:02:03', 0);
"""

ROW_COUNTS = {
    "discovered_videos": 4,
    "pipeline_runs": 2,
    "clips": 1,
    "scripts": 1,
    "tts_audio": 1,
    "shorts": 1,
    "analytics": 3,
    "review_log": 1,
    "config_overrides": 1,
    "error_log": 1,
}


def make_foreign(file: Path, *scripts: str) -> Path:
    """Makes a file with the bare driver, as another program would."""
    with closing(sqlite3.connect(file)) as connection:
        for script in scripts:
            connection.executescript(script)
        connection.commit()
    return file


def traces(file: Path) -> dict[str, str]:
    """The name and content of a database's files, shared memory apart, which is no content."""
    return {
        each.name: ""
        if each.name.endswith("-shm")
        else hashlib.sha256(each.read_bytes()).hexdigest()
        for each in sorted(file.parent.iterdir())
    }


def dump(file: Path) -> list[str]:
    """Every row of the ten tables, and how all tables were made, read with the bare driver."""
    return _dump(file, but_for=())


def dump_without_ours(file: Path) -> list[str]:
    """The same, but for the tables that this package adds to the ten."""
    return _dump(file, but_for=[table.name for table in (*CHANNELS_TABLES, *TASKS_TABLES)])


def _dump(file: Path, but_for: Collection[str]) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        schema = [
            sql
            for table, sql in connection.execute(
                "SELECT tbl_name, sql FROM sqlite_master "
                "WHERE tbl_name NOT LIKE 'pipeline_store%' ORDER BY name"
            )
            if table not in but_for
        ]
        rows = [
            connection.execute(f"SELECT '{table}', rowid, * FROM {table}").fetchall()  # noqa: S608
            for table in ROW_COUNTS
        ]
    return [repr(schema), *map(repr, rows)]


def forget_adoption(file: Path) -> None:
    """Leaves the file as it was before its adoption: the ten tables, and no revision."""
    store = SqlStore(url_of(file))
    store.downgrade(ADOPTED_REVISION)
    store.close()
    change(file, f"DROP TABLE {VERSION_TABLE}")


def url_of(file: Path) -> str:
    """The URL of a file."""
    return f"sqlite:///{file}"


def change(file: Path, *statements: str, **values: object) -> None:
    """Changes a file as another program would, foreign keys not enforced."""
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement, values)
        connection.commit()
