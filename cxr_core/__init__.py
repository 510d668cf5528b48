"""Chest radiograph reading and training: the package behind the app and ``train.py``."""
