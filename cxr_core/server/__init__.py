"""What stands between a browser and the app: who may ask, and what an answer may be used for."""
