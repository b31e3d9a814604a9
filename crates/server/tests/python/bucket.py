"""A bucket that speaks S3, on a port of this machine, until its standard input ends. Prints the port."""

import sys

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
_, port = server.get_host_and_port()
bucket = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{port}",
    region_name="us-east-1",
    aws_access_key_id="key",
    aws_secret_access_key="secret",
)
bucket.create_bucket(Bucket="school")
print(port, flush=True)
for line in sys.stdin:
    # What is in it, when it is asked.
    found = bucket.list_objects_v2(Bucket="school").get("Contents", [])
    open_parts = bucket.list_multipart_uploads(Bucket="school").get("Uploads", [])
    print(" ".join([str(len(open_parts))] + [one["Key"] for one in found]), flush=True)
server.stop()
