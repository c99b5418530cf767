/* TFLite_Detection_PostProcess: boxes of a single-shot detector, and of those that overlap the one
 * with the best score (non-maximum suppression). */
#ifndef EB_DETECTION_H
#define EB_DETECTION_H

#include <stdint.h>
#include <string.h>

#include "eb_math_f32.h"
#include "eb_requant.h"

typedef struct {
    int32_t boxes;         /* >= 1 */
    int32_t box_elements;  /* of an encoded box, of which the first 4 count */
    int32_t score_classes; /* scores of a box, with that of the background, if it has one */
    int32_t background;    /* 1: the first score is that of the background */
    int32_t classes;       /* without it, >= 1 */
    int32_t detections;    /* at most, >= 1 */
    int32_t per_detection; /* classes that a detection has places for, >= 1 */
    int32_t per_class;     /* detections of a class at most; 0: of all classes at once */
    float least_score;
    float most_overlap;
    float y_scale;
    float x_scale;
    float h_scale;
    float w_scale;
} eb_detection;

#include "../kernels/portable/eb_detection.h"

#endif /* EB_DETECTION_H */
