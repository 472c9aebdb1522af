"""Makes one prediction of many: selection, blending, calibration and decision rules."""
