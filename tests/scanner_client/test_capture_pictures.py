"""Frames from folders, files and video; nothing half-written, nothing twice."""

import threading
import time

import cv2
import numpy as np
import pytest

from scanner_client.capture import Watch
from scanner_client.capture_camera import Camera, Video
from scanner_client.capture_files import Folder, Pictures
from scanner_client.pictures import UnreadablePicture, read_picture
from tests.frames import a_code, a_frame, encoded, save
from tests.scanner_client.watching import wait_for, watching


def origins(frames):
    return [frame.origin for frame in frames]


def test_folder_gives_each_picture_once_old_and_new(tmp_path):
    save(tmp_path / "a.png", a_frame())
    with watching(Folder(tmp_path)) as (frames, reports):
        wait_for(lambda: len(frames) == 1)
        save(tmp_path / "b.jpg", a_frame())
        wait_for(lambda: len(frames) == 2)
        time.sleep(0.3)

    assert origins(frames) == ["a.png", "b.jpg"]
    assert frames[0].image.shape == (720, 1280, 3)
    assert frames[0].image.dtype == np.uint8
    assert reports == []


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_half_written_picture_waits_until_it_is_whole(tmp_path, suffix):
    data = encoded(a_frame("9K3F-22AX"), suffix)
    path = tmp_path / f"a{suffix}"
    with watching(Folder(tmp_path)) as (frames, _):
        with path.open("wb") as file:
            for part in (data[:100], data[100:-200], data[-200:]):
                assert frames == []
                file.write(part)
                file.flush()
                time.sleep(0.25)
        wait_for(lambda: len(frames) == 1)
        time.sleep(0.3)

    assert origins(frames) == [path.name]


def test_picture_that_is_written_over_is_new(tmp_path):
    save(tmp_path / "a.png", a_frame())
    with watching(Folder(tmp_path)) as (frames, _):
        wait_for(lambda: len(frames) == 1)
        save(tmp_path / "a.png", a_frame("9K3F-22AX"))
        wait_for(lambda: len(frames) == 2)


def test_what_is_no_picture_is_told_once_and_blocks_nothing(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden.png").write_text("hello")
    (tmp_path / "folder").mkdir()
    with watching(Folder(tmp_path, whole_after_s=0.2)) as (frames, reports):
        save(tmp_path / "a.png", a_frame())
        wait_for(lambda: frames and reports)
        time.sleep(0.3)

    assert origins(frames) == ["a.png"]
    assert len(reports) == 1
    assert "notes.txt" in reports[0]


def test_lost_folder_is_told_and_taken_up_again(tmp_path):
    folder = tmp_path / "camera"
    folder.mkdir()
    with watching(Folder(folder)) as (frames, reports):
        time.sleep(0.2)
        folder.rmdir()
        wait_for(lambda: len(reports) == 1)
        folder.mkdir()
        save(folder / "a.png", a_frame())
        wait_for(lambda: len(frames) == 1)

    assert "cannot be read" in reports[0]
    assert "is back" in reports[1]


def test_camera_that_is_not_there_is_told_once_and_tried_again():
    with watching(Camera(97, 1280, 720)) as (frames, reports):
        wait_for(lambda: reports)
        time.sleep(1.2)

    assert frames == []
    assert len(reports) == 1
    assert "camera 97" in reports[0]


def test_video_is_played_at_its_own_speed_and_ends(tmp_path):
    path = tmp_path / "lane.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20, (1280, 720))
    for _ in range(10):
        writer.write(a_frame("9K3F-22AX"))
    writer.release()
    stop = threading.Event()

    frames = list(Video(path).sightings(Watch(stop, lambda _: None)))

    assert len(frames) == 10
    assert 0.4 < frames[-1].seen_s - frames[0].seen_s < 3
    assert all(frame.live for frame in frames)


def test_pictures_are_given_once_and_a_bad_one_is_told(tmp_path):
    good = save(tmp_path / "a.png", a_frame())
    bad = tmp_path / "b.png"
    bad.write_bytes(b"nothing")
    reports = []
    source = Pictures((bad, good))

    frames = list(source.sightings(Watch(threading.Event(), reports.append)))

    assert origins(frames) == ["a.png"]
    assert len(reports) == 1


def test_transparent_picture_is_on_white(tmp_path):
    code = a_code("9K3F-22AX")
    drawn = np.zeros((*code.shape, 4), np.uint8)
    drawn[:, :, 3] = 255 - code
    path = save(tmp_path / "a.png", drawn)

    assert np.array_equal(read_picture(path)[:, :, 1], code)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(50), b"<svg/>"])
def test_damaged_picture_is_refused(tmp_path, data):
    path = tmp_path / "a.png"
    path.write_bytes(data)

    with pytest.raises(UnreadablePicture, match=r"a\.png"):
        read_picture(path)
