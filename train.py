"""Train a DenseNet121 for four findings on chest radiographs: ``cxr_core.cli.train`` by its name.

python train.py --entries Data_Entry_2017_v2020.csv --images images/ --out models/mine
"""

import sys

from cxr_core.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
