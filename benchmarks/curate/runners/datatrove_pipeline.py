"""datatrove: the four stages of its example for MinHash, by local workers."""

import os
import sys

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.typeshelper import Languages
from given import BANDS, PERMUTATIONS, SIZE


def main(corpus: str, out: str) -> None:
    """Signatures, buckets, clusters, what is left."""
    config = MinhashConfig(
        n_grams=SIZE,
        num_buckets=BANDS,
        hashes_per_bucket=PERMUTATIONS // BANDS,
        hash_config=HashConfig(precision=64),
    )
    reader = JsonlReader(corpus, glob_pattern="corpus-*.jsonl")
    signatures, buckets, removed = (f"{out}/{name}" for name in ("signatures", "buckets", "removed"))
    stages = [
        (2, [reader, MinhashDedupSignature(signatures, config=config, language=Languages.english)]),
        (BANDS, [MinhashDedupBuckets(signatures, buckets, config=config)]),
        (1, [MinhashDedupCluster(buckets, removed, config=config)]),
        (2, [reader, MinhashDedupFilter(removed), JsonlWriter(f"{out}/kept", compression=None)]),
    ]
    for number, (tasks, pipeline) in enumerate(stages):
        LocalPipelineExecutor(
            pipeline=pipeline, tasks=tasks, workers=os.cpu_count() or 1, logging_dir=f"{out}/log-{number}"
        ).run()


if __name__ == "__main__":  # its workers import this file
    main(*sys.argv[1:])
