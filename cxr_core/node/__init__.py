"""The DICOM node: films in over the network, results out to an archive (``cxr-node``)."""
