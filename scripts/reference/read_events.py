#!/usr/bin/env python3
"""Reads the event files of a folder with the package tensorboard, and prints what it finds as JSON.

usage: read_events.py FOLDER

Numbers that are not finite are the texts "nan", "inf" and "-inf".
"""
import json
import math
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import metadata
from tensorboard.util import tensor_util


def plain(number):
    return number if math.isfinite(number) else str(number)


def main(folder):
    everything = {kind: 0 for kind in event_accumulator.DEFAULT_SIZE_GUIDANCE}
    events = event_accumulator.EventAccumulator(folder, size_guidance=everything)
    events.Reload()
    result = {"scalars": {}, "histograms": {}, "images": {}, "texts": {}}
    for tag in events.Tags()["scalars"]:
        result["scalars"][tag] = [[e.step, plain(e.value)] for e in events.Scalars(tag)]
    for tag in events.Tags()["histograms"]:
        result["histograms"][tag] = [
            [e.step, e.histogram_value.num, e.histogram_value.min, e.histogram_value.max]
            for e in events.Histograms(tag)]
    for tag in events.Tags()["images"]:
        result["images"][tag] = [[e.width, e.height] for e in events.Images(tag)]
    for tag in events.Tags()["tensors"]:
        plugin = events.SummaryMetadata(tag).plugin_data
        for event in events.Tensors(tag):
            if plugin.plugin_name == "text":
                array = tensor_util.make_ndarray(event.tensor_proto)
                result["texts"][tag] = array.reshape(-1)[0].decode()
    content = {tag: events.SummaryMetadata(tag).plugin_data.content
               for tag in events.Tags()["tensors"] if tag.startswith("_hparams_/")}
    if content:
        experiment = metadata.parse_experiment_plugin_data(content[metadata.EXPERIMENT_TAG])
        start = metadata.parse_session_start_info_plugin_data(
            content[metadata.SESSION_START_INFO_TAG])
        result["metrics"] = [metric.name.tag for metric in experiment.metric_infos]
        result["settings"] = {name: value.number_value or value.string_value or value.bool_value
                              for name, value in start.hparams.items()}
        if metadata.SESSION_END_INFO_TAG in content:
            end = metadata.parse_session_end_info_plugin_data(content[metadata.SESSION_END_INFO_TAG])
            result["status"] = end.status
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
