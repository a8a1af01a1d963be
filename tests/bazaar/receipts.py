"""An object put into the bucket `receipts` by hand."""
import datetime
import hashlib
import hmac
import os
import urllib.request


def put_receipt():
    """PUTs an object, signed as AWS' Signature Version 4 has it."""
    endpoint, body = os.environ["S3_ENDPOINT"], b'{"paid": true}'
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    names, digest = "host;x-amz-content-sha256;x-amz-date", hashlib.sha256(body).hexdigest()
    headers = {"host": endpoint.split("://")[1], "x-amz-content-sha256": digest, "x-amz-date": now}
    canonical = "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    request = f"PUT\n/receipts/o-1.json\n\n{canonical}\n{names}\n{digest}"
    scope = f"{now[:8]}/us-east-1/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = ("AWS4" + os.environ["S3_SECRET_KEY"]).encode()
    for part in [*scope.split("/"), text]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    credential = f"{os.environ['S3_ACCESS_KEY']}/{scope}"
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
    )
    put = urllib.request.Request(f"{endpoint}/receipts/o-1.json", data=body, method="PUT", headers=headers)
    return urllib.request.urlopen(put).status
