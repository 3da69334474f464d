#!/usr/bin/env node
// kubectl runs this program to complete the words after `kubectl istio-upgrade`.
process.argv.splice(2, 0, "complete", "--");
require("./istio-upgrade.js");
