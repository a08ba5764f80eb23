# RLS3 with what its back ends need (PostgreSQL, S3), for compose.yaml.
FROM python:3.11.13-slim-bookworm
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends git libegl1 libegl-mesa0 libgl1-mesa-dri make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /rls3
COPY requirements.lock pyproject.toml ./
RUN pip install --no-cache-dir torch==2.13.0 \
    && pip install --no-cache-dir "setuptools>=77" -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
ENV HOME=/tmp DO_NOT_TRACK=1 MLFLOW_DISABLE_TELEMETRY=true PREFECT_SERVER_ANALYTICS_ENABLED=false
USER 1000:1000
