# What RLS3 and its servers need, for compose.yaml; the code itself is that of the checkout.
FROM python:3.11.13-slim-bookworm
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends git libegl1 libegl-mesa0 libgl1-mesa-dri \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.lock /rls3/
RUN pip install --no-cache-dir torch==2.13.0 \
    && pip install --no-cache-dir -r /rls3/requirements.lock
ENV HOME=/tmp DO_NOT_TRACK=1 MLFLOW_DISABLE_TELEMETRY=true PREFECT_SERVER_ANALYTICS_ENABLED=false
WORKDIR /tmp
USER 1000:1000
