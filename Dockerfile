# One image for migrate, web, worker and beat (docker-compose.yml).
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements.txt .
RUN pip install --require-hashes --requirement requirements.txt \
    && useradd --system --no-create-home --shell /usr/sbin/nologin tableflow
COPY manage.py .
COPY tableflow tableflow
COPY cells cells
COPY dispatch dispatch
USER tableflow
EXPOSE 8000
CMD ["uvicorn", "tableflow.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-access-log"]
