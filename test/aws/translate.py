"""Prints the CloudFormation that SAM makes of a template, for each set of parameters on standard input."""

import copy
import json
import logging
import os
import sys

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
logging.disable(logging.WARNING)

with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file.read())
# What `sam deploy` puts in: where it has uploaded the build to.
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
# No managed policies by name are used, so the translator needs no account to look them up in.
print(
    json.dumps(
        [
            Translator({}, Parser()).translate(copy.deepcopy(template), parameters)
            for parameters in json.load(sys.stdin)
        ]
    )
)
