"""The search for networks: costs without training, what is searched, the study, its workers."""
