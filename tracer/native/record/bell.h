/* The bell that wakes the shipping thread, and the hand-over of the GIL to it. Includes nothing of the probe. */

#ifndef TENURE_BELL_H
#define TENURE_BELL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

void bell_ring(void);      /* wakes the shipping thread, or lets its next wait end at once */
void bell_ring_long(void); /* the same if it may sleep for longer than 100 ms */
void bell_hand_over(void); /* lets the shipping thread, if it rests, run until it takes the entries: 2 ms at most */
void bell_taken(void);     /* the entries were taken; lets the thread that handed over run again */

PyObject *bell_attend(PyObject *module, PyObject *is_attended);
PyObject *bell_ring_now(PyObject *module, PyObject *none);
PyObject *bell_wait(PyObject *module, PyObject *arguments);

#endif
