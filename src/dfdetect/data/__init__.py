"""datasets -> samples: shards, splits, self-blended fakes, augmentation."""
