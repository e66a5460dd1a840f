"""The local stage: everything Lunora needs to run on one machine.

`make run` and the end-to-end tests share these modules: `setup` brings what is missing,
`build` compiles and packs the functions, `stage` starts the local cloud, the simulator and
the platforms' stand-in and deploys the very template, `demo` shows it to a person.
Nothing in this package is deployed.
"""
