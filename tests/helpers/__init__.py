"""What several test modules share: films, tables, models and analyses with known content."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_MODEL = ROOT / "models" / "default"
