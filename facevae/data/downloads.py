"""Asks within seconds whether a data set's downloads are refused; the downloads themselves fail after minutes."""

import html
import queue
import re
import threading
import time
import urllib.parse

import requests
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import resource

_MOST_ASKED = 8  # files of one data set, the largest first
_PAGE_BYTES = 2**16
_DRIVE = "drive.google.com"
_KAGGLE = {"celeb_a": "jessicali9530/celeba-dataset", "lfw": "jessicali9530/lfw-dataset"}


def downloads_refused(
    builder: tfds.core.DatasetBuilder, seconds_per_answer: float = 5, seconds_in_all: float = 10
) -> str | None:
    """Asks for the first bytes of each file that the data set would download, all at once.

    Args:
        builder: a data set that is not prepared yet.
        seconds_per_answer: how long one server may take to answer.
        seconds_in_all: how long all of them may take together, the name server included.

    Returns:
        The reason for the first refusal, or None.
    """
    files = _missing_files(builder)
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    for url, file_name in files.items():
        # Daemons: a name server that does not answer must not keep the process from ending.
        asking = threading.Thread(
            target=lambda u=url, f=file_name: answers.put(_refusal(u, f, seconds_per_answer)), daemon=True
        )
        asking.start()
    end = time.monotonic() + seconds_in_all
    for _ in files:
        try:
            refusal = answers.get(timeout=max(0, end - time.monotonic()))
        except queue.Empty:
            return f"no answer within {seconds_in_all} seconds"
        if refusal:
            return refusal
    return None


def kaggle_advice(name: str) -> str:
    """What to do instead of a download, with the command."""
    if name not in _KAGGLE:
        return "Get its pictures another way, unpack them, and run: python train.py --data FOLDER"
    return (
        f"Get it from Kaggle instead, data set {_KAGGLE[name]} (in a browser, or with "
        f"`kaggle datasets download {_KAGGLE[name]} --unzip -p FOLDER`), "
        "and run: python train.py --data FOLDER"
    )


def _missing_files(builder: tfds.core.DatasetBuilder) -> dict[str, str]:
    """Addresses and names of the files that are not in the download folder already."""
    folder = tfds.core.Path(builder.data_dir_root) / "downloads"
    recorded = sorted((builder.url_infos or {}).items(), key=lambda item: -int(item[1].size))
    missing = {}
    for url, info in recorded:
        cached = folder / resource.get_dl_fname(url, info.checksum)
        by_hand = folder / "manual" / (info.filename or "")
        if url.startswith("http") and not cached.is_file() and not by_hand.is_file():
            missing[url] = info.filename or "a file"
    return dict(list(missing.items())[:_MOST_ASKED])


def _refusal(url: str, file_name: str, seconds: float) -> str | None:
    host = urllib.parse.urlsplit(url).hostname
    try:
        with requests.get(url, stream=True, timeout=seconds) as response:
            if response.status_code >= 400:
                return f"{host} answers {response.status_code} {response.reason} for {file_name}"
            if host == _DRIVE and "content-disposition" not in response.headers:
                return _drive_refusal(next(response.iter_content(_PAGE_BYTES), b""), file_name)
    except requests.exceptions.Timeout:
        return f"no answer from {host} within {seconds} seconds"
    except requests.exceptions.RequestException as error:
        return f"{host} cannot be reached ({type(error).__name__})"
    return None


def _drive_refusal(page: bytes, file_name: str) -> str | None:
    """Google Drive answers with a page instead of a file: a confirmation for a large file, or a refusal."""
    text = page.decode("utf-8", "replace")
    if re.search(r"<form[^>]*download", text) or "confirm=" in text:
        return None
    title = re.search(r"<title>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
    said = f" ({' '.join(html.unescape(title.group(1)).split())})" if title else ""
    return f"Google Drive sends a web page{said} instead of {file_name}; its download quota is often used up"
