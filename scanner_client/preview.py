"""A window with what the camera sees."""

from __future__ import annotations

import cv2
import numpy as np

from scanner_client.capture import Frame
from scanner_client.rescue import Reading

TITLE = "scanner"
GREEN = (0, 160, 0)


class Window:
    """The preview window; use it from one thread, the main one."""

    def show(self, frame: Frame, reading: Reading | None) -> None:
        """Show a frame, the code in it outlined."""
        image = frame.image.copy()
        if reading is not None:
            outline = np.array(reading.corners, dtype=np.int32).reshape(-1, 1, 2)
            cv2.polylines(image, [outline], isClosed=True, color=GREEN, thickness=4)
        cv2.imshow(TITLE, image)
        cv2.waitKey(1)
