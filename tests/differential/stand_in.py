#!/usr/bin/env python3
"""A Lambda function that answers as the script of its execution says; packed as `bootstrap` of a custom runtime,
since only there a function chooses the name of its error.

The n-th invocation of an execution gets the n-th answer. What it was invoked with goes to a file beside the script.
"""

import http.client
import json
import os
import time
import urllib.error
import urllib.request

FOLDER, TIMEOUT = os.environ["SCRIPTS"], float(os.environ["LONGEST_TASK_SECONDS"])
ACCOUNT, REGION = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_REGION"]


def step_functions(operation, **request):
    """Calls Step Functions; gives back whether it agreed. The local cloud wants to know the account, not a signature."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AWSStepFunctions.{operation}",
               "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261121/{REGION}/states/aws4_request, "
                                "SignedHeaders=host, Signature=0"}
    call = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], json.dumps(request).encode(), headers)
    try:
        with urllib.request.urlopen(call, timeout=20):
            return True
    except urllib.error.HTTPError:
        return False


def handle(event):
    """The answer: (whether it is an error, the body)."""
    place = os.path.join(FOLDER, event["destination_id"])
    with open(place + ".script", encoding="utf-8") as file:
        script = json.load(file)
    calls = []
    if os.path.exists(place + ".calls"):
        with open(place + ".calls", encoding="utf-8") as file:
            calls = [json.loads(line) for line in file]
    if len(calls) >= len(script):
        return True, {"errorType": "ScriptIsOver", "errorMessage": f"there are only {len(script)} answers"}
    answer, token = script[len(calls)], event.get("task_token")
    # An attempt of the same visit has the same token here; everywhere else it has one of its own.
    old = {call["token"] for call in calls if call["token"] not in (None, token)} if answer.get("again") else ()
    taken = sum(step_functions("SendTaskSuccess", taskToken=each, output='"again"') for each in old)
    with open(place + ".calls", "a", encoding="utf-8") as file:
        file.write(json.dumps({"payload": event, "taken": taken, "token": token}) + "\n")
    if answer.get("stop"):
        step_functions("StopExecution", executionArn=event["execution"], error="Stopped", cause="by the script")
    if token and "success" in answer:
        step_functions("SendTaskSuccess", taskToken=token, output=json.dumps(answer["success"]))
    if token and "failure" in answer:
        step_functions("SendTaskFailure", taskToken=token, error=answer["failure"], cause="as the script says")
    if answer.get("silent") and not token:
        time.sleep(TIMEOUT + 0.5)  # it is the function that takes too long
    if "error" in answer:
        return True, {"errorMessage": "as the script says", "errorType": answer["error"]}
    return False, answer.get("ok")


def main():
    """The loop of a custom runtime."""
    host, version = os.environ["AWS_LAMBDA_RUNTIME_API"], "/2018-06-01/runtime/invocation/"
    while True:
        # One connection for each request: they are far apart, and some end in between.
        connection = http.client.HTTPConnection(host)
        connection.request("GET", version + "next")
        answer = connection.getresponse()
        request_id, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(answer.read())
        connection.close()
        failed, body = handle(event)
        print("answered", flush=True)
        headers = {"Lambda-Runtime-Function-Error-Type": body["errorType"]} if failed else {}
        connection = http.client.HTTPConnection(host)
        connection.request("POST", version + request_id + ("/error" if failed else "/response"), json.dumps(body).encode(), headers)
        connection.getresponse().read()
        connection.close()


if __name__ == "__main__":
    main()
